import { useTranslation } from "react-i18next";
import { NavLink, Route, Routes, useLocation } from "react-router";
import { GrantsPage } from "../../parts/grants/GrantsPage";
import { useCurrentInView } from "../../parts/inView";
import { NoSuchPage } from "../../parts/states";
import { addTexts } from "../../text";
import { AppealsPage } from "./AppealsPage";
import { CasePage } from "./case/CasePage";
import { PrintPage } from "./case/PrintPage";
import { CasesPage } from "./CasesPage";
import { CodePage } from "./CodePage";
import "./control.css";
import { FindPage } from "./FindPage";
import { SignalsPage } from "./SignalsPage";
import { en, zh } from "./text";
import { TownshipsPage } from "./TownshipsPage";
import { UnassignedPage } from "./UnassignedPage";

addTexts("control", en, zh);

const PLACES = ["cases", "townships", "unassigned", "appeals", "signals", "find", "grants"] as const;

/** Disease control: what a tracer works with. */
export default function Area() {
  const { t } = useTranslation("control");
  const row = useCurrentInView<HTMLElement>();
  // The list of cases stands at the beginning of the area, and a case below it.
  const inCase = useLocation().pathname.startsWith("/control/cases/");
  return (
    <>
      <nav ref={row} className="control-nav no-print" aria-label={t("nav.label")}>
        {PLACES.map((place) => (
          <NavLink key={place} to={place === "cases" ? "/control" : `/control/${place}`} end={!inCase} className={({ isActive }) => (isActive ? "here" : "")}>
            {t(`nav.${place}`)}
          </NavLink>
        ))}
      </nav>
      <Routes>
        <Route index element={<CasesPage />} />
        <Route path="cases/:id/print" element={<PrintPage />} />
        <Route path="cases/:id/:tab?" element={<CasePage />} />
        <Route path="townships" element={<TownshipsPage />} />
        <Route path="health-codes/:person" element={<CodePage />} />
        <Route path="appeals" element={<AppealsPage />} />
        <Route path="unassigned" element={<UnassignedPage />} />
        <Route path="signals" element={<SignalsPage />} />
        <Route path="find" element={<FindPage />} />
        <Route path="grants" element={<GrantsPage />} />
        <Route path="*" element={<NoSuchPage to="/control" label={t("nav.cases")} />} />
      </Routes>
    </>
  );
}
