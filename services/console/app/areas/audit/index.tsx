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

/** What auditors do: look at the looks. The privacy officer approves names and marks persons, and reads no log. */
export default function Area() {
  const { t } = useTranslation("audit");
  const reads = useSignedIn().role === "auditor";
  const names = reads ? (["unexplained", "log", "figures", "cases", "names", "grants", "ledger"] as const) : (["names", "marks", "grants", "ledger"] as const);
  return (
    <>
      <Sections label={t("sections")} sections={names.map((name) => ({ to: `/audit/${name}`, label: t(`section.${name}`) }))} />
      <Routes>
        <Route index element={<Navigate to={`/audit/${names[0]}`} replace />} />
        {reads && <Route path="unexplained" element={<Unexplained />} />}
        {reads && <Route path="log" element={<Log />} />}
        {reads && <Route path="figures" element={<Figures />} />}
        {reads && <Route path="cases" element={<Cases />} />}
        <Route path="names" element={<Names />} />
        {!reads && <Route path="marks" element={<Marks />} />}
        <Route path="grants" element={<GrantsPage />} />
        <Route path="ledger" element={<Proof />} />
        <Route path="*" element={<Navigate to="/audit" replace />} />
      </Routes>
    </>
  );
}
