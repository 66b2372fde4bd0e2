import { useTranslation } from "react-i18next";
import { Route, Routes } from "react-router";
import { Sections } from "../../parts/Sections";
import { addTexts } from "../../text";
import { Decisions } from "./Decisions";
import { Queue } from "./Queue";
import { en, zh } from "./text";

addTexts("review", en, zh);

export default function Area() {
  const { t } = useTranslation("review");
  return (
    <>
      <Sections
        label={t("pages")}
        sections={[
          { to: "/review", label: t("queue") },
          { to: "/review/decisions", label: t("decisions") },
        ]}
      />
      <Routes>
        <Route index element={<Queue />} />
        <Route path="decisions" element={<Decisions />} />
      </Routes>
    </>
  );
}
