import { Alert, Button, Segmented, Tag, Typography } from "antd";
import { useState } from "react";
import { StackedTable } from "../../parts/StackedTable";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Empty, Failed, Loading } from "../../parts/states";
import { SIGNAL_KINDS, type Signal } from "./model";
import { AskNames } from "./names";
import { isAbsent, useSignals } from "./questions";
import { iso, useClock } from "./time";
import { Events, NotThere, PersonLink, ResultTag } from "./words";

type Kind = (typeof SIGNAL_KINDS)[number] | "all";

/** What does not fit together: hints to look, never findings. */
export function SignalsPage() {
  const { t } = useTranslation("control");
  const { instant, number } = useFormat();
  const [kind, setKind] = useState<Kind>("all");
  const clock = useClock();
  const query = useSignals(iso(clock.now), kind === "all" ? undefined : kind, !clock.isPending);
  const signals = query.data?.pages.flatMap(({ signals }) => signals) ?? [];
  const first = query.data?.pages[0];
  return (
    <Page title={t("signals.title")} extra={<ReceiptTag receipt={first?.receipt} />}>
      {isAbsent(query.error) ? (
        <NotThere />
      ) : (
        <>
          <Alert type="info" showIcon title={t("signals.help")} style={{ marginBottom: 12 }} />
          <div className="control-bar control-scroll">
            <Segmented<Kind> aria-label={t("signals.kind")} value={kind} onChange={setKind} options={(["all", ...SIGNAL_KINDS] as const).map((value) => ({ value, label: t(value === "all" ? "signals.all" : `signal.${value}`) }))} />
          </div>
          <AskNames ids={signals.flatMap(({ person_id }) => person_id ?? [])} />
          <Withheld of="read-signals" groups={first?.withheld} />
          {first && first.left_out > 0 && <Alert type="warning" showIcon title={t("signals.leftOut", { n: number(first.left_out) })} style={{ marginBottom: 12 }} />}
          {clock.error ? (
            <Failed error={clock.error} retry={clock.retry} />
          ) : query.isPending ? (
            <Loading />
          ) : query.isError ? (
            <Failed error={query.error} retry={() => void query.refetch()} />
          ) : (
            <>
              <StackedTable
                aria-label={t("signals.title")}
                size="small"
                virtual={signals.length > 50}
                rowKey={({ kind: of, at, person_id, follow_up_id, test }) => [of, at, person_id, follow_up_id, test].join(" ")}
                scroll={{ x: 960, y: signals.length > 12 ? 560 : undefined }}
                pagination={false}
                dataSource={signals}
                locale={{ emptyText: <Empty>{t("signals.none")}</Empty> }}
                columns={[
                  { title: t("itinerary.when"), key: "at", width: 200, render: (_, { at, until }) => (until ? t("span.fromTo", { from: instant(at), to: instant(until) }) : instant(at)) },
                  { title: t("signals.kind"), key: "kind", width: 220, render: (_, one) => <Tag>{t(`signal.${one.kind}`, { defaultValue: one.kind })}</Tag> },
                  { title: t("case.person"), key: "person", width: 150, render: (_, { person_id }) => (person_id ? <PersonLink id={person_id} /> : <Typography.Text type="warning">{t("case.nobody")}</Typography.Text>) },
                  { title: t("signals.case"), key: "case", width: 120, render: (_, one) => (one.case ? <Link to={`/control/cases/${one.case}/follow-ups`}>{t("signals.toCase")}</Link> : "–") },
                  { title: t("signals.detail"), key: "detail", width: 260, render: (_, one) => <Detail signal={one} /> },
                ]}
              />
              {query.hasNextPage && (
                <Button style={{ marginTop: 8 }} loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  {t("more", { ns: "common" })}
                </Button>
              )}
            </>
          )}
        </>
      )}
    </Page>
  );
}

/** The numbers behind a signal, and the facts that it follows from. */
function Detail({ signal: { kwh, metres, mode, run, result, events } }: { signal: Signal }) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  const words = [
    kwh !== undefined && t("signals.kwh", { n: number(kwh, 1) }),
    metres !== undefined && t("signals.metres", { n: number(metres) }),
    mode && t(`mode.${mode}`, { defaultValue: mode }),
    run,
  ].filter(Boolean);
  return (
    <>
      {result && <ResultTag result={result} />}
      {words.join(" · ")}
      {events && events.length > 0 && <Events events={events} />}
    </>
  );
}
