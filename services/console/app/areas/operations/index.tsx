import { useTranslation } from "react-i18next";
import { Navigate, Route, Routes } from "react-router";
import { GrantsPage } from "../../parts/grants/GrantsPage";
import { Sections } from "../../parts/Sections";
import { addTexts } from "../../text";
import "./operations.css";
import { LinkagePage } from "./Linkage";
import { ModelsPage } from "./Models";
import { Overview } from "./Overview";
import { Quarantine } from "./Quarantine";
import { en, zh } from "./text";

addTexts("operations", en, zh);

const SECTIONS = ["overview", "quarantine", "linkage", "models", "grants"] as const;

/** What operators do: see whether the hub keeps up, and mend what it could not use. */
export default function Area() {
  const { t } = useTranslation("operations");
  return (
    <>
      <Sections label={t("sections")} sections={SECTIONS.map((name) => ({ to: `/operations/${name}`, label: t(`section.${name}`), within: name === "quarantine" }))} />
      <Routes>
        <Route index element={<Navigate to="/operations/overview" replace />} />
        <Route path="overview" element={<Overview />} />
        <Route path="quarantine/:view?" element={<Quarantine />} />
        <Route path="linkage" element={<LinkagePage />} />
        <Route path="models" element={<ModelsPage />} />
        <Route path="grants" element={<GrantsPage />} />
        <Route path="*" element={<Navigate to="/operations" replace />} />
      </Routes>
    </>
  );
}
