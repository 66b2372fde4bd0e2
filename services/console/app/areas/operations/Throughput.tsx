import { Card, Col, Row, Typography } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Chart } from "../../parts/Chart";
import { MINUTE } from "../../parts/city";
import { useFormat } from "../../parts/format";
import { Empty } from "../../parts/states";
import { perMinute, total, type Sample } from "./metrics";

type Point = [number, number];

interface Line {
  name: string;
  colour: string;
  points: Point[];
}

/** What came in, what was answered and how far the views are behind, since this page was opened. */
export function Throughput({ samples }: { samples: Sample[] }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const charts = useMemo(() => {
    const rate = (name: string, labels?: Record<string, string>): Point[] =>
      samples.slice(1).map((sample, at) => [sample.at, Math.round(perMinute(samples[at] ?? sample, sample, name, labels))]);
    const rows = (outcome: string, colour: string): Line => ({ name: t(`outcome.${outcome}`), colour, points: rate("isthmus_ingest_rows_total", { outcome }) });
    return [
      { key: "rows", lines: [rows("accepted", "#2fa3a9"), rows("duplicate", "#8c8c8c"), rows("superseded", "#7a6ff0"), rows("quarantined", "#d4504c")] },
      {
        key: "answers",
        lines: [
          { name: t("throughput.answered"), colour: "#2fa3a9", points: rate("isthmus_disclosures_total") },
          { name: t("throughput.refused"), colour: "#d4504c", points: rate("isthmus_refusals_total") },
        ],
      },
      { key: "lag", lines: [{ name: t("overview.lag"), colour: "#d48806", points: samples.map((sample): Point => [sample.at, total(sample, "isthmus_projector_lag_events")]) }] },
    ];
  }, [samples, t]);
  const first = samples[0];
  return (
    <section aria-label={t("throughput.title")} style={{ marginTop: 16 }}>
      <Typography.Paragraph type="secondary" style={{ marginBottom: 8 }}>{first ? t("throughput.since", { time: format.time(first.at) }) : t("throughput.waits")}</Typography.Paragraph>
      <Row gutter={[16, 16]}>
        {charts.map(({ key, lines }) => (
          <Col key={key} xs={24} lg={8}>
            <Card size="small" title={<h2 style={{ fontSize: 16, margin: 0 }}>{t(`throughput.${key}`)}</h2>}>
              <Lines lines={lines} label={t(`throughput.${key}Label`)} />
            </Card>
          </Col>
        ))}
      </Row>
    </section>
  );
}

/** A line needs some time to be one. */
const LEAST = 5 * MINUTE;

function Lines({ lines, label }: { lines: Line[]; label: string }) {
  const { t } = useTranslation("operations");
  const { time } = useFormat();
  const moments = lines.flatMap(({ points }) => points.map(([at]) => at));
  const [first, last] = [Math.min(...moments), Math.max(...moments)];
  const option = useMemo(
    () => ({
      animation: false,
      tooltip: { trigger: "axis" },
      legend: lines.length > 1 ? { bottom: 0, itemWidth: 14, itemGap: 8 } : undefined,
      grid: { left: 8, right: 16, top: 12, bottom: lines.length > 1 ? 48 : 8, containLabel: true },
      xAxis: { type: "time", min: Math.min(first, last - LEAST), max: last, splitNumber: 3, axisLabel: { hideOverlap: true, formatter: (at: number) => time(at) } },
      yAxis: { type: "value", min: 0, minInterval: 1, splitNumber: 3 },
      series: lines.map(({ name, colour, points }) => ({ name, type: "line", showSymbol: points.length < 2, lineStyle: { width: 2 }, itemStyle: { color: colour }, areaStyle: lines.length === 1 ? { opacity: 0.15 } : undefined, data: points })),
    }),
    // Times are written as the language has it.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [lines, t],
  );
  if (!(last > first)) return <Empty>{t("throughput.waits")}</Empty>;
  return <Chart option={option} height={220} label={label} />;
}
