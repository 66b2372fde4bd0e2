import { useTranslation } from "react-i18next";
import { Route, Routes } from "react-router";
import { useContestWords } from "../../parts/contest/words";
import { Sections } from "../../parts/Sections";
import { addTexts } from "../../text";
import { Contests } from "./Contests";
import { Decisions } from "./Decisions";
import { Queue } from "./Queue";
import { en, zh } from "./text";

addTexts("review", en, zh);

export default function Area() {
  const { t } = useTranslation("review");
  const { t: contests } = useContestWords();
  return (
    <>
      <Sections
        label={t("pages")}
        sections={[
          { to: "/review", label: t("queue") },
          { to: "/review/decisions", label: t("decisions") },
          { to: "/review/contests", label: contests("staff.page") },
        ]}
      />
      <Routes>
        <Route index element={<Queue />} />
        <Route path="decisions" element={<Decisions />} />
        <Route path="contests" element={<Contests />} />
      </Routes>
    </>
  );
}
