import { useTranslation } from "react-i18next";
import { Navigate, Route, Routes } from "react-router";
import { Sections } from "../../parts/Sections";
import { useSignedIn } from "../../session/session";
import { addTexts } from "../../text";
import { Released } from "./Released";
import { en, zh } from "./text";
import { Work } from "./Work";

addTexts("figures", en, zh);

const WORKERS = new Set(["cdc-analyst", "cdc-lead"]);

/** Counts for the public; those who make them have a page of work beside it. */
export default function Area() {
  const { t } = useTranslation("figures");
  const works = WORKERS.has(useSignedIn().role ?? "");
  const home = works ? "/figures/work" : "/figures/released";
  return (
    <>
      {works && <Sections label={t("sections")} sections={(["work", "released"] as const).map((name) => ({ to: `/figures/${name}`, label: t(`section.${name}`) }))} />}
      <Routes>
        <Route index element={<Navigate to={home} replace />} />
        <Route path="released" element={<Released />} />
        {works && <Route path="work" element={<Work />} />}
        <Route path="*" element={<Navigate to={home} replace />} />
      </Routes>
    </>
  );
}
