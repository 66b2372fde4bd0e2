import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { Page } from "../../parts/Page";
import { PersonStrip } from "./case/PersonStrip";
import { Clocked } from "./Clock";
import { HealthCode } from "./HealthCode";
import { usePerson } from "./questions";
import { iso } from "./time";

/** The health code of anybody, who need not be a case. */
export function CodePage() {
  const { t } = useTranslation("control");
  const { person = "" } = useParams();
  const who = usePerson(person);
  return (
    <Page title={t("code.title")}>
      <PersonStrip person={person} />
      {/* Of somebody who may not be seen, one refusal is enough. */}
      {who.isSuccess && <Clocked>{(now) => <HealthCode person={person} on={iso(now)} />}</Clocked>}
    </Page>
  );
}
