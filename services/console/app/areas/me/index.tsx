import { useTranslation } from "react-i18next";
import { Route, Routes } from "react-router";
import { Sections } from "../../parts/Sections";
import { addTexts } from "../../text";
import { CodePage } from "./CodePage";
import { FilePage } from "./FilePage";
import { ItineraryPage } from "./ItineraryPage";
import { LooksPage } from "./LooksPage";
import { SourcesPage } from "./SourcesPage";
import { TakePage } from "./TakePage";
import { en, zh } from "./text";

addTexts("me", en, zh);

const PAGES = ["file", "sources", "looks", "code", "itinerary", "take"];

export default function Area() {
  const { t } = useTranslation("me");
  return (
    <>
      <Sections label={t("pages")} sections={PAGES.map((page) => ({ to: page === "file" ? "/me" : `/me/${page}`, label: t(`page.${page}`) }))} />
      <Routes>
        <Route index element={<FilePage />} />
        <Route path="sources" element={<SourcesPage />} />
        <Route path="looks" element={<LooksPage />} />
        <Route path="code" element={<CodePage />} />
        <Route path="itinerary" element={<ItineraryPage />} />
        <Route path="take" element={<TakePage />} />
      </Routes>
    </>
  );
}
