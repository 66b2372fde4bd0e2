import { Alert, Button, Segmented, Table, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Empty, Failed, Loading } from "../../parts/states";
import { SIGNAL_KINDS } from "./model";
import { isAbsent, useSignals } from "./questions";
import { NotThere, PersonLink } from "./words";

type Kind = (typeof SIGNAL_KINDS)[number] | "all";

/** What does not fit together: hints to look, never findings. */
export function SignalsPage() {
  const { t } = useTranslation("control");
  const { instant } = useFormat();
  const [kind, setKind] = useState<Kind>("all");
  const query = useSignals(kind === "all" ? undefined : kind);
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
          <Withheld groups={first?.withheld} />
          {query.isPending ? (
            <Loading />
          ) : query.isError ? (
            <Failed error={query.error} retry={() => void query.refetch()} />
          ) : (
            <>
              <Table
                aria-label={t("signals.title")}
                size="small"
                virtual={signals.length > 50}
                rowKey={({ kind: of, at, person_id, facts }) => [of, at, person_id, ...facts].join(" ")}
                scroll={{ x: 860, y: signals.length > 12 ? 560 : undefined }}
                pagination={false}
                dataSource={signals}
                locale={{ emptyText: <Empty>{t("signals.none")}</Empty> }}
                columns={[
                  { title: t("itinerary.when"), dataIndex: "at", width: 180, render: (at: string) => instant(at) },
                  { title: t("signals.kind"), key: "kind", width: 220, render: (_, one) => <Tag>{t(`signal.${one.kind}`, { defaultValue: one.kind })}</Tag> },
                  { title: t("case.person"), key: "person", width: 150, render: (_, { person_id }) => (person_id ? <PersonLink id={person_id} /> : <Typography.Text type="warning">{t("case.nobody")}</Typography.Text>) },
                  { title: t("signals.case"), key: "case", width: 120, render: (_, one) => (one.case ? <Link to={`/control/cases/${one.case}/follow-ups`}>{t("signals.toCase")}</Link> : "–") },
                  { title: t("signals.detail"), key: "detail", render: (_, { detail }) => <Detail detail={detail} /> },
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

function Detail({ detail }: { detail?: Record<string, unknown> }) {
  const { t } = useTranslation("control");
  const { instant, number } = useFormat();
  const shown = (value: unknown): string =>
    typeof value === "number" ? number(value, 1) : typeof value === "string" ? (/^\d{4}-\d\d-\d\dT/.test(value) ? instant(value) : value) : JSON.stringify(value);
  return Object.entries(detail ?? {})
    .map(([name, value]) => `${t(`signalDetail.${name}`, { defaultValue: name })}: ${shown(value)}`)
    .join(" · ");
}
