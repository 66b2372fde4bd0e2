import { Alert, Card, Col, Row, Statistic, Table, Tooltip, Typography } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Chart } from "../../parts/Chart";
import { useFormat } from "../../parts/format";
import { useVersion } from "../../parts/Version";
import type { Trial } from "./ask";

/** What a model on trial would do to the persons. No person can be told from it: records go by their ids. */
export function Outcome({ trial }: { trial: Trial }) {
  const { t } = useTranslation("models");
  const { number } = useFormat();
  const say = useVersion();
  if (trial.candidate === trial.current) return <Alert type="info" showIcon title={t("same")} style={{ marginTop: 12 }} data-outcome />;
  const figures: [string, number, string | undefined][] = [
    [t("persons"), trial.persons_after, t("now", { before: number(trial.persons_before) })],
    [t("unchanged"), trial.unchanged, undefined],
    [t("merges"), trial.merges, undefined],
    [t("splits"), trial.splits, undefined],
    [t("review"), trial.review_after, t("now", { before: number(trial.review_before) })],
    [t("conflicts"), trial.conflicts, t("conflictsHelp", { reviewed: number(trial.reviewed) })],
  ];
  return (
    <section aria-label={t("outcome", { candidate: say(trial.candidate) })} style={{ marginTop: 16 }} data-outcome>
      <h3 style={{ fontSize: 16, margin: "0 0 8px" }}>{t("outcome", { candidate: say(trial.candidate) })}</h3>
      <Row gutter={[12, 12]}>
        {figures.map(([title, value, hint]) => (
          <Col key={title} xs={12} md={8} xl={4}>
            <Card size="small" style={{ height: "100%" }}>
              <Statistic title={title} value={number(value)} />
              {hint && <Typography.Text type="secondary">{hint}</Typography.Text>}
            </Card>
          </Col>
        ))}
      </Row>
      <Weights trial={trial} />
      <Row gutter={[16, 16]}>
        <Samples title={t("mergeSamples")} pairs={trial.merge_samples} />
        <Samples title={t("splitSamples")} pairs={trial.split_samples} />
      </Row>
    </section>
  );
}

function Weights({ trial: { weights } }: { trial: Trial }) {
  const { t } = useTranslation("models");
  const option = useMemo(
    () => ({
      grid: { left: 8, right: 8, top: 16, bottom: 8, containLabel: true },
      tooltip: { trigger: "axis" },
      xAxis: { type: "category", data: weights.map(([bits]) => bits) },
      yAxis: { type: "value", name: t("pairs") },
      series: [{ type: "bar", name: t("pairs"), data: weights.map(([, count]) => count), itemStyle: { color: "#2a9d8f" } }],
    }),
    [weights, t],
  );
  if (weights.length === 0) return null;
  return (
    <figure style={{ margin: "16px 0" }}>
      <figcaption>{t("weights")}</figcaption>
      <Chart option={option} label={t("weightsLabel")} height={220} />
    </figure>
  );
}

function Samples({ title, pairs }: { title: string; pairs: Trial["merge_samples"] }) {
  const { t } = useTranslation("models");
  const { number } = useFormat();
  if (pairs.length === 0) return null;
  const record = (id: string) => (
    <Tooltip title={id}>
      <Typography.Text code>{id.slice(0, 8)}</Typography.Text>
    </Tooltip>
  );
  return (
    <Col xs={24} lg={12}>
      <h4 style={{ margin: "0 0 8px" }}>{title}</h4>
      <Table
        aria-label={title}
        size="small"
        pagination={false}
        rowKey={({ a, b }) => `${a} ${b}`}
        dataSource={pairs}
        scroll={{ x: 400 }}
        columns={[
          { title: t("one"), dataIndex: "a", width: 110, render: record },
          { title: t("other"), dataIndex: "b", width: 110, render: record },
          { title: t("weightNow"), dataIndex: "weight_now", width: 90, align: "end", render: (bits: number) => <span className="numbers">{number(bits, 1)}</span> },
          { title: t("weightThen"), dataIndex: "weight_then", width: 90, align: "end", render: (bits: number) => <span className="numbers">{number(bits, 1)}</span> },
        ]}
      />
    </Col>
  );
}
