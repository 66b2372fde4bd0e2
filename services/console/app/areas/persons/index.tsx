import { Route, Routes } from "react-router";
import { addTexts } from "../../text";
import { FilePage } from "./FilePage";
import { Find } from "./Find";
import { LineagePage } from "./LineagePage";
import { LinksPage } from "./LinksPage";
import { Person } from "./Person";
import { RecordsPage } from "./RecordsPage";
import { en, zh } from "./text";
import { TimelinePage } from "./TimelinePage";

addTexts("persons", en, zh);

export default function Area() {
  return (
    <Routes>
      <Route index element={<Find />} />
      <Route path=":person" element={<Person />}>
        <Route index element={<FilePage />} />
        <Route path="records" element={<RecordsPage />} />
        <Route path="links" element={<LinksPage />} />
        <Route path="timeline" element={<TimelinePage />} />
        <Route path="lineage" element={<LineagePage />} />
      </Route>
    </Routes>
  );
}
