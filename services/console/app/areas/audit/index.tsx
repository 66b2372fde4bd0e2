import { useTranslation } from "react-i18next";
import { Navigate, Route, Routes } from "react-router";
import { GrantsPage } from "../../parts/grants/GrantsPage";
import { Sections } from "../../parts/Sections";
import { useSignedIn } from "../../session/session";
import { addTexts } from "../../text";
import "./audit.css";
import { Cases } from "./Cases";
import { Figures } from "./Figures";
import { Log } from "./Log";
import { Marks } from "./Marks";
import { Names } from "./Names";
import { Proof } from "./Proof";
import { en, zh } from "./text";
import { Unexplained } from "./Unexplained";

addTexts("audit", en, zh);

/** What each role has here. The privacy officer approves names and marks persons; a lead of disease control approves grants. */
const SECTIONS = {
  auditor: ["unexplained", "log", "figures", "cases", "names", "grants", "ledger"],
  "privacy-officer": ["names", "marks", "grants", "ledger"],
  "cdc-lead": ["grants", "ledger"],
} as const;

/** What auditors do: look at the looks; and what others do who watch over powers. */
export default function Area() {
  const { t } = useTranslation("audit");
  const role = useSignedIn().role;
  const names: readonly string[] = role === "privacy-officer" || role === "cdc-lead" ? SECTIONS[role] : SECTIONS.auditor;
  const has = (name: string) => names.includes(name);
  return (
    <>
      <Sections label={t("sections")} sections={names.map((name) => ({ to: `/audit/${name}`, label: t(`section.${name}`) }))} />
      <Routes>
        <Route index element={<Navigate to={`/audit/${names[0]}`} replace />} />
        {has("unexplained") && <Route path="unexplained" element={<Unexplained />} />}
        {has("log") && <Route path="log" element={<Log />} />}
        {has("figures") && <Route path="figures" element={<Figures />} />}
        {has("cases") && <Route path="cases" element={<Cases />} />}
        {has("names") && <Route path="names" element={<Names />} />}
        {has("marks") && <Route path="marks" element={<Marks />} />}
        <Route path="grants" element={<GrantsPage />} />
        <Route path="ledger" element={<Proof />} />
        <Route path="*" element={<Navigate to="/audit" replace />} />
      </Routes>
    </>
  );
}
