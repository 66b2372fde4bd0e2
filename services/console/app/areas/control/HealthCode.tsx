import { Alert } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFormat } from "../../parts/format";
import { ReceiptTag, Withheld } from "../../parts/Page";
import { StackedTable } from "../../parts/StackedTable";
import { Asked, Empty } from "../../parts/states";
import { Version } from "../../parts/Version";
import type { Reason } from "./model";
import { useCode, useTownshipName } from "./questions";
import { ColourTag, Events, InstantInput, LevelTag } from "./words";

/** The colour of a person's code at an instant, and all that colours it. */
export function HealthCode({ person, on, knownAt }: { person: string; on: string; knownAt?: string }) {
  const { t } = useTranslation("control");
  const { instant } = useFormat();
  const [chosen, setChosen] = useState<string>();
  const at = chosen ?? knownAt ?? on;
  const query = useCode(person, at, knownAt);
  return (
    <>
      <div className="control-bar">
        <InstantInput label={t("code.on")} kind="minute" value={at} max={Date.now()} onChange={setChosen} />
        <ReceiptTag receipt={query.data?.receipt} />
      </div>
      <Asked query={query}>
        {(answer) => (
          <>
            <div className={`control-code ${answer.colour}`} data-colour={answer.colour}>
              <strong>
                <ColourTag colour={answer.colour} />
              </strong>
              <span>{t("code.at", { at: instant(answer.on) })}</span>
              {answer.until && <span>{t("code.until", { at: instant(answer.until) })}</span>}
            </div>
            <Withheld of="read-health-code" groups={answer.withheld} />
            {!answer.complete && <Alert type="warning" showIcon data-incomplete title={t("code.incomplete", { at: instant(answer.known_since) })} style={{ marginBottom: 12 }} />}
            <Reasons reasons={answer.reasons} label={t("code.reasons")} on={on} />
            {answer.set_aside && answer.set_aside.length > 0 && (
              <>
                <h3 className="control-h2" style={{ margin: "16px 0 8px" }}>
                  {t("code.setAside")}
                </h3>
                <Reasons reasons={answer.set_aside} label={t("code.setAside")} on={on} />
              </>
            )}
            {answer.appeals && answer.appeals.length > 0 && (
              <p>
                {t("code.appeals", { count: answer.appeals.length, n: answer.appeals.length })} <Link to="/control/appeals">{t("appeals.title")}</Link>
              </p>
            )}
            <p className="control-note">
              {t("contacts.knownAt", { at: instant(answer.known_at) })} {t("code.rules")}<Version of={answer.rules} />
            </p>
          </>
        )}
      </Asked>
    </>
  );
}

function Reasons({ reasons, label, on }: { reasons: Reason[]; label: string; on: string }) {
  const { t } = useTranslation("control");
  const townshipName = useTownshipName(on, reasons.some(({ township }) => township));
  const { instant, number } = useFormat();
  if (reasons.length === 0) return <Empty>{t("code.noReason")}</Empty>;
  return (
    <StackedTable
      aria-label={label}
      size="small"
      // Whoever met many has a reason for each meeting.
      pagination={{ pageSize: 12, hideOnSinglePage: true, showSizeChanger: false, showTotal: (total) => t("code.count", { count: total, n: number(total) }) }}
      rowKey={({ cause, until, events, township }) => [cause, until, township, ...(events ?? [])].join(" ")}
      scroll={{ x: 760 }}
      dataSource={reasons}
      columns={[
        { title: t("code.colour"), key: "colour", width: 110, render: (_, { colour }) => <ColourTag colour={colour} /> },
        {
          title: t("code.reason"),
          key: "cause",
          render: (_, { cause, township, level }) => (
            <>
              {t(`cause.${cause}`, { defaultValue: cause })} {township && <span title={township}>{t("code.inTownship", { township: townshipName(township) })}</span>} {level && <LevelTag level={level} />}
            </>
          ),
        },
        { title: t("code.holds"), dataIndex: "until", width: 190, render: (at: string) => instant(at) },
        {
          title: t("code.events"),
          key: "events",
          width: 260,
          render: (_, { events }) =>
            events && events.length > 0 ? (
              <Events events={events} />
            ) : (
              "–"
            ),
        },
      ]}
    />
  );
}
