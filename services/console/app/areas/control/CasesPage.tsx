import { SearchOutlined } from "@ant-design/icons";
import { Button, Card, Flex, Grid, Segmented, Select, Table, Typography, type TableColumnsType } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { StackedTable } from "../../parts/StackedTable";
import { Link, useNavigate, useSearchParams } from "react-router";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { useTestName } from "../../parts/testNames";
import { Asked, Empty, Failed, Loading, ProblemAlert } from "../../parts/states";
import type { CaseList, KnownCase } from "./model";
import { AskNames } from "./names";
import { useCases, useSuggested, useTownshipName, useTownships } from "./questions";
import { iso, useClock } from "./time";
import { AsKnown, CaseState, Figure, Figures, KnownThen, PersonLink } from "./words";

type Which = "open" | "closed" | "all";
const EXISTING: Record<Which, boolean | undefined> = { open: true, closed: false, all: undefined };

/** All cases, the clusters among them, and tests that suggest more. */
export function CasesPage() {
  const { t } = useTranslation("control");
  const [which, setWhich] = useState<Which>("open");
  const [parameters, setParameters] = useSearchParams();
  const cluster = parameters.get("cluster") ?? undefined;
  const [knownAt, setKnownAt] = useState<string>();
  const { instant } = useFormat();
  const list = useCases(EXISTING[which], knownAt);
  const first = list.data?.pages[0];
  const shown = (list.data?.pages.flatMap(({ cases }) => cases) ?? [])
    .filter((one) => !cluster || one.cluster_id === cluster)
    .sort((one, other) => (other.confirmed_time ?? "").localeCompare(one.confirmed_time ?? ""));
  const choose = (cluster: string | undefined) => setParameters(cluster ? { cluster } : {}, { replace: true });
  return (
    <Page
      title={t("cases.title")}
      extra={
        <>
          <ReceiptTag receipt={first?.receipt} />
          <span style={{ flex: 1 }} />
          <AsKnown at={knownAt} change={setKnownAt} />
        </>
      }
    >
      {knownAt && <KnownThen>{t("asKnown.cases", { at: instant(knownAt) })}</KnownThen>}
      <Situation clusters={first?.clusters.length} />
      <Withheld of="read-cases" groups={first?.withheld} />
      <div className="control-bar">
        <Segmented<Which> value={which} onChange={setWhich} aria-label={t("cases.which")} options={(["open", "closed", "all"] as const).map((value) => ({ value, label: t(`cases.${value}`) }))} />
        <Select
          aria-label={t("cases.cluster")}
          placeholder={t("cases.cluster")}
          allowClear
          value={cluster}
          onChange={choose}
          style={{ minWidth: 170 }}
          options={first?.clusters.map(({ cluster_id, cases }) => ({ value: cluster_id, label: t("cases.clusterOf", { id: cluster_id, n: cases }) }))}
        />
        <AskNames ids={shown.flatMap(({ person_id }) => person_id ?? [])} />
      </div>
      {list.isPending ? (
        <Loading />
      ) : list.isError ? (
        <Failed error={list.error} retry={() => void list.refetch()} />
      ) : (
        <>
          <Cases cases={shown} />
          {list.hasNextPage && (
            <Button onClick={() => void list.fetchNextPage()} loading={list.isFetchingNextPage} style={{ marginTop: 8 }}>
              {t("more", { ns: "common" })}
            </Button>
          )}
          <div className="control-two" style={{ marginTop: 16 }}>
            <Clusters clusters={list.data.pages[0]?.clusters ?? []} chosen={cluster} choose={choose} />
            <Suggested />
          </div>
        </>
      )}
    </Page>
  );
}

/** The numbers of all townships together, as of now. */
function Situation({ clusters }: { clusters?: number }) {
  const { t } = useTranslation("control");
  const { number, day } = useFormat();
  const clock = useClock();
  const risk = useTownships(iso(clock.now), undefined, !clock.isPending);
  const { data } = risk;
  const failed = clock.error ?? risk.error;
  // Cases without a township count nowhere else, and are among all cases nevertheless.
  const sum = (of: "existing" | "new") => data && data.townships.reduce((sum, township) => sum + township[of], data[`placeless_${of}`]);
  const raised = data?.townships.filter(({ level }) => level !== "LOW").length;
  if (failed) {
    const retry = clock.error ? clock.retry : () => void risk.refetch();
    return (
      <div style={{ marginBottom: 16 }}>
        <ProblemAlert error={failed} retry={retry} />
      </div>
    );
  }
  return (
    <>
      <Figures>
        <Figure label={t("cases.existing")} value={number(sum("existing"))} tone={sum("existing") ? "alarm" : undefined} />
        <Figure label={t("cases.new")} value={number(sum("new"))} />
        <Figure label={t("cases.clusters")} value={number(clusters)} />
        <Figure label={t("cases.raised")} value={<Link to="/control/townships">{number(raised)}</Link>} />
      </Figures>
      {clock.isDemo && !clock.isPending && (
        <Typography.Paragraph type="secondary">{t("demoClock", { day: day(clock.now) })}</Typography.Paragraph>
      )}
    </>
  );
}

function Cases({ cases }: { cases: KnownCase[] }) {
  const { t } = useTranslation("control");
  const { day, instant } = useFormat();
  const navigate = useNavigate();
  const clock = useClock();
  const townshipOf = useTownshipName(iso(clock.now), !clock.isPending && !clock.error);
  const wide = Grid.useBreakpoint().md ?? true;
  const person = (id?: string | null) => (id ? <PersonLink id={id} /> : <Typography.Text type="warning">{t("case.nobody")}</Typography.Text>);
  const narrow: TableColumnsType<KnownCase> = [
    {
      title: t("cases.title"),
      key: "all",
      render: (_, one) => (
        <Flex vertical gap={2}>
          <Flex gap={8} wrap align="center" justify="space-between">
            <Link to={`/control/cases/${one.case}`}><strong>{one.case_id}</strong></Link>
            <CaseState state={one.state} />
          </Flex>
          <span>{person(one.person_id)}</span>
          <Typography.Text type="secondary">{t("case.confirmed")}: {instant(one.confirmed_time)}</Typography.Text>
          <Typography.Text type="secondary">{[one.cluster_id, one.township && townshipOf(one.township)].filter(Boolean).join(" · ")}</Typography.Text>
          {!one.isolated_time && one.existing && <Typography.Text type="danger">{t("case.notIsolated")}</Typography.Text>}
        </Flex>
      ),
    },
  ];
  const columns: TableColumnsType<KnownCase> = [
    {
      title: t("case.number"),
      key: "number",
      width: 130,
      fixed: "left",
      sorter: (one, other) => one.case_id.localeCompare(other.case_id),
      render: (_, { case: id, case_id }) => <Link to={`/control/cases/${id}`}>{case_id}</Link>,
    },
    { title: t("case.state"), key: "state", width: 150, render: (_, { state }) => <CaseState state={state} /> },
    { title: t("case.cluster"), dataIndex: "cluster_id", width: 110, render: (cluster?: string) => cluster ?? "–" },
    { title: t("case.township"), dataIndex: "township", width: 120, render: (code?: string) => (code ? <span title={code}>{townshipOf(code)}</span> : t("unknown", { ns: "common" })) },
    { title: t("case.onset"), dataIndex: "onset", width: 130, render: (at?: string) => day(at) },
    {
      title: t("case.confirmed"),
      dataIndex: "confirmed_time",
      width: 180,
      defaultSortOrder: "descend",
      sorter: (one, other) => (one.confirmed_time ?? "").localeCompare(other.confirmed_time ?? ""),
      render: (at?: string) => instant(at),
    },
    {
      title: t("case.isolated"),
      dataIndex: "isolated_time",
      width: 180,
      render: (at: string | undefined, { existing }) => (at ? instant(at) : existing ? <Typography.Text type="danger">{t("case.notIsolated")}</Typography.Text> : "–"),
    },
    {
      title: t("case.person"),
      key: "person",
      width: 150,
      render: (_, { person_id }) => person(person_id),
    },
  ];
  return (
    <Table
      aria-label={t("cases.title")}
      size="small"
      rowKey="case"
      virtual={cases.length > 50}
      showHeader={wide}
      scroll={{ x: wide ? 1150 : 300, y: cases.length > 10 ? 460 : undefined }}
      columns={wide ? columns : narrow}
      dataSource={cases}
      pagination={false}
      locale={{ emptyText: <Empty>{t("cases.none")}</Empty> }}
      rowClassName="control-row"
      onRow={({ case: id }) => ({
        onDoubleClick: () => void navigate(`/control/cases/${id}`),
      })}
    />
  );
}

function Clusters({ clusters, chosen, choose }: { clusters: CaseList["clusters"]; chosen?: string; choose: (id: string | undefined) => void }) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  return (
    <Card size="small" title={<h2 className="control-h2">{t("cases.clusters")}</h2>}>
      {clusters.length === 0 && <Empty>{t("cases.noCluster")}</Empty>}
      {clusters.map(({ cluster_id, cases, existing }) => (
        <Flex key={cluster_id} justify="space-between" align="center" gap={8} wrap>
          <span>
            <Typography.Text strong>{cluster_id}</Typography.Text> {t("cases.clusterHolds", { cases: number(cases), existing: number(existing) })}
          </span>
          <Button size="small" aria-pressed={chosen === cluster_id} type={chosen === cluster_id ? "primary" : "default"} onClick={() => choose(chosen === cluster_id ? undefined : cluster_id)}>
            {chosen === cluster_id ? t("cases.showAll") : t("cases.showCluster")}
          </Button>
        </Flex>
      ))}
    </Card>
  );
}

/** Positive tests that no case covers: a case is made by disease control's word, so that these only suggest one. */
function Suggested() {
  const { t } = useTranslation("control");
  const { instant } = useFormat();
  const test = useTestName();
  const clock = useClock();
  const query = useSuggested(iso(clock.now), !clock.isPending);
  return (
    <Card size="small" title={<h2 className="control-h2">{t("suggested.title")}</h2>} extra={<ReceiptTag receipt={query.data?.pages[0]?.receipt} />}>
      <AskNames ids={query.data?.pages.flatMap(({ suggested }) => suggested.flatMap(({ person_id }) => person_id ?? [])) ?? []} />
      {clock.error && <ProblemAlert error={clock.error} retry={clock.retry} />}
      {!clock.error && <Asked query={query}>
        {({ pages }) => {
          const tests = pages.flatMap(({ suggested }) => suggested);
          if (tests.length === 0) return <Empty>{t("suggested.none")}</Empty>;
          return (
            <>
              <StackedTable
                aria-label={t("suggested.title")}
                size="small"
                rowKey="test"
                dataSource={tests}
                pagination={false}
                virtual={tests.length > 50}
                scroll={{ x: 520, y: tests.length > 6 ? 260 : undefined }}
                columns={[
                  { title: t("suggested.tested"), dataIndex: "tested", width: 180, render: (at: string) => instant(at) },
                  { title: t("suggested.code"), dataIndex: "code", width: 180, render: (code: string) => test(code) },
                  {
                    title: t("case.person"),
                    key: "person",
                    width: 160,
                    render: (_, { person_id }) => (person_id ? <PersonLink id={person_id} /> : <Typography.Text type="warning">{t("suggested.nobody")}</Typography.Text>),
                  },
                ]}
              />
              {query.hasNextPage && (
                <Button size="small" onClick={() => void query.fetchNextPage()} loading={query.isFetchingNextPage}>
                  <SearchOutlined /> {t("more", { ns: "common" })}
                </Button>
              )}
            </>
          );
        }}
      </Asked>}
    </Card>
  );
}
