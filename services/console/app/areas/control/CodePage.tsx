import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { Page } from "../../parts/Page";
import { Loading } from "../../parts/states";
import { PersonStrip } from "./case/PersonStrip";
import { HealthCode } from "./HealthCode";
import { iso, useClock } from "./time";

/** The health code of anybody, who need not be a case. */
export function CodePage() {
  const { t } = useTranslation("control");
  const { person = "" } = useParams();
  const clock = useClock();
  return (
    <Page title={t("code.title")}>
      <PersonStrip person={person} />
      {clock.isPending ? <Loading rows={2} /> : <HealthCode person={person} on={iso(clock.now)} />}
    </Page>
  );
}
