import { Card, Col, Flex, Grid, Progress, Row, Segmented, Statistic, Typography } from "antd";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Chart } from "../../parts/Chart";
import { DAY, iso, startOfDay } from "../../parts/city";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { StackedTable } from "../../parts/StackedTable";
import { Asked } from "../../parts/states";
import { countLog, type CountBy, type Counted } from "./ask";
import { useCodes } from "./words";

const BY: CountBy[] = ["role", "actor", "unit", "action", "purpose", "refusal"];
const PERIODS = { all: 0, last30: 30, last7: 7, today: 1 } as const;
type Period = keyof typeof PERIODS;

/** The first instant of a period, the begin of a day. */
function begin(period: Period): string | undefined {
  if (PERIODS[period] === 0) return undefined;
  return iso(startOfDay(Date.now()) - (PERIODS[period] - 1) * DAY);
}

/** The log in figures: how many looks, how many refused, and of what kind. */
export function Figures() {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const [period, setPeriod] = useState<Period>("all");
  const [by, setBy] = useState<CountBy>("role");
  const from = begin(period);
  const days = useQuery({ queryKey: ["audit", "figures", "day", from], queryFn: () => countLog("day", from) });
  const counts = useQuery({ queryKey: ["audit", "figures", by, from], queryFn: () => countLog(by, from) });
  return (
    <Page title={t("figures.title")} extra={<ReceiptTag receipt={counts.data?.receipt} />}>
      <Segmented<Period>
        aria-label={t("period")}
        value={period}
        onChange={setPeriod}
        options={(Object.keys(PERIODS) as Period[]).map((value) => ({ value, label: t(`figures.${value}`) }))}
        style={{ marginBottom: 16 }}
      />
      <Asked query={days} empty={(answer) => answer.counts.length === 0}>
        {(answer) => <Days counts={answer.counts} />}
      </Asked>
      <Card
        size="small"
        style={{ marginTop: 16 }}
        title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("figures.by")}</h2>}
        extra={<Typography.Text type="secondary">{counts.data && t("looks", { count: sum(counts.data.counts, "entries"), defaultValue: format.number(0) })}</Typography.Text>}
      >
        <div style={{ overflowX: "auto", marginBottom: 12 }}>
          <Segmented<CountBy> aria-label={t("figures.by")} value={by} onChange={setBy} options={BY.map((value) => ({ value, label: t(`figures.byName.${value}`) }))} />
        </div>
        <Asked query={counts} empty={(answer) => answer.counts.length === 0}>
          {(answer) => <Counts by={by} counts={answer.counts} />}
        </Asked>
      </Card>
    </Page>
  );
}

function sum(counts: Counted[], name: "entries" | "refused"): number {
  return counts.reduce((total, count) => total + count[name], 0);
}

function Days({ counts }: { counts: Counted[] }) {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const option = useMemo(() => {
    const days = [...counts].sort((a, b) => a.value.localeCompare(b.value));
    return {
      tooltip: { trigger: "axis" },
      legend: { bottom: 0 },
      grid: { left: 8, right: 8, top: 16, bottom: 36, containLabel: true },
      xAxis: { type: "category", data: days.map((day) => format.day(day.value)) },
      yAxis: { type: "value", minInterval: 1 },
      series: [
        { name: t("figures.answered"), type: "bar", stack: "looks", barMaxWidth: 36, itemStyle: { color: "#2fa3a9" }, data: days.map((day) => day.entries - day.refused) },
        { name: t("figures.refused"), type: "bar", stack: "looks", barMaxWidth: 36, itemStyle: { color: "#d4504c" }, data: days.map((day) => day.refused) },
      ],
    };
    // Days are written as the language has it.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [counts, format.locale, t]);
  const entries = sum(counts, "entries");
  const refused = sum(counts, "refused");
  const cards = [
    { title: t("figures.entries"), value: format.number(entries) },
    { title: t("figures.refused"), value: format.number(refused) },
    { title: t("figures.share"), value: format.percent(entries ? refused / entries : 0) },
    { title: t("figures.actors"), value: format.number(Math.max(0, ...counts.map((count) => count.actors))) },
  ];
  return (
    <Row gutter={[16, 16]}>
      {cards.map(({ title, value }) => (
        <Col key={title} xs={12} lg={6}>
          <Card size="small"><Statistic title={title} value={value} /></Card>
        </Col>
      ))}
      <Col span={24}>
        <Card size="small" title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("figures.perDay")}</h2>}>
          <Chart option={option} height={240} label={t("figures.perDayLabel")} />
        </Card>
      </Col>
    </Row>
  );
}

function Counts({ by, counts }: { by: CountBy; counts: Counted[] }) {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const codes = useCodes();
  const words: Partial<Record<CountBy, (code: string) => string>> = { role: codes.role, action: codes.action, purpose: codes.purpose, refusal: codes.refusal };
  const word = (value: string) => (by !== "refusal" && value === "-" ? t("figures.none") : (words[by]?.(value) ?? value));
  const wide = Grid.useBreakpoint().md ?? true;
  const most = Math.max(1, ...counts.map((count) => count.entries));
  return (
    <StackedTable<Counted>
      aria-label={t("figures.table", { by: t(`figures.byName.${by}`) })}
      rowKey="value"
      size="small"
      virtual
      pagination={false}
      scroll={{ x: 640, y: Math.min(480, (wide ? 40 : 130) * counts.length + 8) }}
      dataSource={counts}
      columns={[
        { key: "value", title: t("figures.value"), width: 220, ellipsis: true, render: (_, { value }) => word(value) },
        { key: "entries", title: t("figures.entries"), width: 90, align: "end", render: (_, { entries }) => <span className="numbers">{format.number(entries)}</span> },
        { key: "bar", width: 130, render: (_, { entries }) => <Flex aria-hidden><Progress percent={(100 * entries) / most} showInfo={false} size="small" status="normal" strokeColor="#2fa3a9" /></Flex> },
        { key: "refused", title: t("figures.refused"), width: 90, align: "end", render: (_, { refused }) => <span className="numbers">{format.number(refused)}</span> },
        { key: "actors", title: t("figures.callers"), width: 100, align: "end", render: (_, { actors }) => <span className="numbers">{format.number(actors)}</span> },
      ]}
    />
  );
}
