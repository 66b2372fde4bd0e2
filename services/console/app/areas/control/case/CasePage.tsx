import { PrinterOutlined } from "@ant-design/icons";
import { Alert, Button, Typography } from "antd";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { Problem } from "../../../api/client";
import { useFormat } from "../../../parts/format";
import { Page, ReceiptTag, Withheld } from "../../../parts/Page";
import { Sections } from "../../../parts/Sections";
import { Asked, Empty, NoSuchPage } from "../../../parts/states";
import { useTask } from "../../../session/task";
import { Clocked } from "../Clock";
import { ContactsTab } from "../contacts/ContactsTab";
import { HealthCode } from "../HealthCode";
import { ItineraryTab } from "../itinerary/ItineraryTab";
import type { CaseAnswer } from "../model";
import { useCase, useTownshipName } from "../questions";
import { infectious, iso } from "../time";
import { AsKnown, CaseState, KnownThen } from "../words";
import { FollowUpsTab } from "./FollowUpsTab";
import { PersonStrip } from "./PersonStrip";

/** One case: what disease control says of it, and all that follows from it. */
export function CasePage() {
  const { t } = useTranslation("control");
  const { id = "" } = useParams();
  const navigate = useNavigate();
  const { instant } = useFormat();
  const [knownAt, setKnownAt] = useState<string>();
  const query = useCase(id, knownAt);
  const wasUnknown = knownAt && query.error instanceof Problem && query.error.code === "case-not-found";
  const known = query.data;
  return (
    <Page
      title={known ? t("case.title", { id: known.case_id }) : t("case.some")}
      extra={
        <>
          {known && <CaseState state={known.state} />}
          <ReceiptTag receipt={known?.receipt} />
          <span style={{ flex: 1 }} />
          {/* Over a failure there is nothing to print; another instant leads back. */}
          {(known || knownAt) && <AsKnown at={knownAt} change={setKnownAt} />}
          {known && (
            <Button icon={<PrinterOutlined />} onClick={() => void navigate(`/control/cases/${id}/print`)}>
              {t("print", { ns: "common" })}
            </Button>
          )}
        </>
      }
    >
      {knownAt && <KnownThen>{t("asKnown.person", { at: instant(knownAt) })}</KnownThen>}
      {wasUnknown ? (
        <Empty>{t("asKnown.noCase")}</Empty>
      ) : (
        <Asked query={query} way={<Button onClick={() => void navigate("/control")}>{t("case.toCases")}</Button>}>
          {(known) => (
            <Clocked>
              {(now) => (
                <>
                  <OtherCase known={known} />
                  <Facts known={known} now={now} />
                  <Withheld of="read-cases" groups={known.withheld} />
                  {known.person_id ? <OfPerson known={known} person={known.person_id} now={now} knownAt={knownAt} /> : <Empty>{t("case.nobodyYet")}</Empty>}
                </>
              )}
            </Clocked>
          )}
        </Asked>
      )}
    </Page>
  );
}

/** Looks at another case than the one that the visitor works on are on record for that one, and say so. */
function OtherCase({ known }: { known: CaseAnswer }) {
  const { t } = useTranslation("control");
  const own = useTask()?.caseReference;
  if (!own || own === known.case_id || own === known.case) return null;
  return <Alert type="info" showIcon data-other-case title={t("case.other", { id: known.case_id, own })} style={{ marginBottom: 12 }} />;
}

/** What disease control says. */
export function Facts({ known, now }: { known: CaseAnswer; now: number }) {
  const { t } = useTranslation("control");
  const { day, instant } = useFormat();
  const township = useTownshipName(iso(now), Boolean(known.township));
  const span = infectious(known, now);
  const facts: [string, React.ReactNode][] = [
    [t("case.onset"), day(known.onset)],
    [t("case.infectious"), span ? t("span.fromTo", { from: instant(span.from), to: known.isolated_time || known.closed_time ? instant(span.to) : t("case.goesOn") }) : "–"],
    [t("case.confirmed"), instant(known.confirmed_time)],
    [t("case.isolated"), known.isolated_time ? instant(known.isolated_time) : known.existing ? <Typography.Text type="danger" key="not">{t("case.notIsolated")}</Typography.Text> : "–"],
    [t("case.closed"), known.closed_time ? instant(known.closed_time) : t("case.open")],
    [t("case.township"), known.township ? <span key="township" title={known.township}>{township(known.township)}</span> : t("unknown", { ns: "common" })],
    [t("case.cluster"), known.cluster_id ? <Cluster key="cluster" known={known} /> : t("case.noCluster")],
  ];
  return (
    <dl className="control-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Cluster({ known }: { known: CaseAnswer }) {
  const { t } = useTranslation("control");
  return (
    <>
      {known.cluster_id} · <Link to={`/control?cluster=${encodeURIComponent(known.cluster_id ?? "")}`}>{t("case.linked", { count: known.linked.length, n: known.linked.length })}</Link>
    </>
  );
}

const TABS = ["itinerary", "contacts", "follow-ups", "code"] as const;

function OfPerson({ known, person, now, knownAt }: { known: CaseAnswer; person: string; now: number; knownAt?: string }) {
  const { t } = useTranslation("control");
  const { tab = TABS[0] } = useParams();
  const address = `/control/cases/${known.case}`;
  const parts: Record<string, ReactNode> = {
    itinerary: <ItineraryTab person={person} known={known} now={now} knownAt={knownAt} />,
    contacts: <ContactsTab person={person} known={known} now={now} knownAt={knownAt} />,
    "follow-ups": <FollowUpsTab id={known.case} person={person} stretch={infectious(known, now)} />,
    code: <HealthCode person={person} on={iso(now)} knownAt={knownAt} />,
  };
  return (
    <>
      <PersonStrip person={person} asOf={knownAt} />
      <Sections label={t("tab.label")} sections={TABS.map((key) => ({ to: key === TABS[0] ? address : `${address}/${key}`, label: t(`tab.${key}`) }))} />
      {parts[tab] ?? <NoSuchPage isPart to={address} label={t("tab.itinerary")} />}
    </>
  );
}
