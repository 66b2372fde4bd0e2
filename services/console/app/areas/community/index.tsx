import { Result } from "antd";
import { useTranslation } from "react-i18next";
import { Route, Routes } from "react-router";
import { Page } from "../../parts/Page";
import { Sections } from "../../parts/Sections";
import { NoSuchPage } from "../../parts/states";
import { useSignedIn } from "../../session/session";
import { addTexts } from "../../text";
import { Overview } from "./Overview";
import { Reports } from "./Reports";
import { Residents } from "./Residents";
import { Task } from "./Task";
import { Tasks } from "./Tasks";
import { en, zh } from "./text";

addTexts("community", en, zh);

/** What a community worker sees of the own unit. */
export default function Area() {
  const { t } = useTranslation("community");
  const unit = useSignedIn().unit;
  if (!unit) {
    return (
      <Page title={t("title")}>
        <Result status="info" title={t("noUnit")} subTitle={t("noUnitHelp")} />
      </Page>
    );
  }
  return <OwnUnit unit={unit} />;
}

function OwnUnit({ unit }: { unit: string }) {
  const { t } = useTranslation("community");
  const pages = [
    { to: "/community", label: t("nav.overview") },
    { to: "/community/residents", label: t("nav.residents") },
    { to: "/community/tasks", label: t("nav.tasks"), within: true },
    { to: "/community/reports", label: t("nav.reports") },
  ];
  return (
    <>
      <Sections label={t("nav.label")} sections={pages} />
      <Routes>
        <Route index element={<Overview unit={unit} />} />
        <Route path="residents" element={<Residents unit={unit} />} />
        <Route path="tasks" element={<Tasks unit={unit} />} />
        <Route path="tasks/:id" element={<Task />} />
        <Route path="reports" element={<Reports unit={unit} />} />
        <Route path="*" element={<NoSuchPage to="/community" label={t("nav.overview")} />} />
      </Routes>
    </>
  );
}
