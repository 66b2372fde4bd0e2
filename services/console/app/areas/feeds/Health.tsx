import { CheckCircleOutlined } from "@ant-design/icons";
import { Alert, Card, Col, Flex, Row, Statistic, Table, Tag, Typography, theme } from "antd";
import { useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Chart } from "../../parts/Chart";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Asked, Empty } from "../../parts/states";
import { useFeed, useQuality, type Day, type Quality } from "./model";
import { useOutcomeColours } from "./Outcomes";
import { CodeTag, useFeedName, useFieldName, useMeaning, useOwnerName } from "./words";

/** Health and quality of a feed over its days. */
export function Health({ feed }: { feed: string }) {
  const { t } = useTranslation("feeds");
  const detail = useFeed(feed);
  const quality = useQuality(feed);
  const name = useFeedName();
  const owner = useOwnerName();
  return (
    <Page title={name(feed, detail.data?.title)} extra={<Typography.Text type="secondary">{detail.data && owner(detail.data)}</Typography.Text>}>
      <Asked query={quality}>
        {(answer) =>
          answer.days.length === 0 ? (
            <Empty>{t("health.nothingYet")}</Empty>
          ) : (
            <Flex vertical gap={16}>
              <Alerts quality={answer} />
              <Today day={answer.days[answer.days.length - 1]} />
              <Row gutter={[16, 16]}>
                <Part title={t("health.volume")} help={t("health.volumeHelp")}><Volume days={answer.days} /></Part>
                <Part title={t("health.shares")} help={t("health.sharesHelp")}><Shares days={answer.days} /></Part>
                <Part title={t("health.reasons")}><Reasons days={answer.days} feed={feed} /></Part>
                <Part title={t("health.drift")} help={t("health.driftHelp")}><Drift days={answer.days} /></Part>
              </Row>
            </Flex>
          )
        }
      </Asked>
    </Page>
  );
}

function Part({ title, help, children }: { title: string; help?: string; children: ReactNode }) {
  return (
    <Col xs={24} xl={12}>
      <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16 }}>{title}</h2>} style={{ height: "100%" }}>
        {help && <Typography.Paragraph type="secondary" style={{ fontSize: 12, marginBottom: 8 }}>{help}</Typography.Paragraph>}
        {children}
      </Card>
    </Col>
  );
}

function Alerts({ quality }: { quality: Quality }) {
  const { t } = useTranslation("feeds");
  const { day } = useFormat();
  const last = quality.days.at(-1);
  if (quality.alerts.length === 0) {
    const but = [last && last.columns.length > 0 && t("health.butColumns"), last && last.late > last.rows / 2 && t("health.butLate")].filter(Boolean);
    if (but.length > 0) return <Alert type="info" showIcon title={t("health.usualBut", { but: but.join(t("health.butAnd")) })} />;
    return <Alert type="success" showIcon icon={<CheckCircleOutlined />} title={t("health.fine")} />;
  }
  return quality.alerts.map((alert) => (
    <Alert
      key={`${alert.code} ${alert.day}`}
      type="warning"
      showIcon
      data-alert={alert.code}
      title={`${t(`alert.${alert.code}`, { defaultValue: alert.code })} · ${day(alert.day)}`}
      description={<span lang="en">{alert.message}</span>}
    />
  ));
}

function Today({ day }: { day: Day | undefined }) {
  const { t } = useTranslation("feeds");
  const format = useFormat();
  const { token } = theme.useToken();
  if (!day) return null;
  const of = (rows: number) => (day.rows > 0 ? format.percent(rows / day.rows) : undefined);
  const figures: { title: string; value: string; note?: string; colour?: string }[] = [
    { title: t("health.rows"), value: format.number(day.rows), note: day.usual_rows ? t("health.usual", { rows: format.number(day.usual_rows) }) : t("health.noUsual") },
    { title: t("health.quarantined"), value: format.number(day.quarantined), note: of(day.quarantined), colour: day.quarantined > 0 ? token.colorErrorText : undefined },
    { title: t("health.late"), value: format.number(day.late), note: of(day.late) },
    { title: t("health.reused"), value: format.number(day.numbers_reused), note: of(day.numbers_reused) },
    { title: t("health.files"), value: format.number(day.batches), note: t("health.lastAt", { at: format.time(day.last_arrival) }) },
  ];
  return (
    <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("health.lastDay", { day: format.day(day.day) })}</h2>}>
      <div className="feed-figures">
        {figures.map(({ title, value, note, colour }) => (
          <div key={title} data-figure={title}>
            <Statistic title={title} value={value} styles={{ content: { color: colour, fontWeight: 600 } }} />
            <Typography.Text type="secondary" style={{ fontSize: 12 }}>{note}</Typography.Text>
          </div>
        ))}
      </div>
      {Object.entries(day.refusals).map(([code, files]) => (
        <Alert key={code} type="error" showIcon style={{ marginTop: 12 }} title={<>{t("health.refusals", { count: files })} <CodeTag code={code} /></>} />
      ))}
      {day.columns.length > 0 && (
        <Typography.Paragraph style={{ margin: "12px 0 0" }}>
          {t("health.columns")}{" "}
          {day.columns.map((column) => {
            const [kind, ...rest] = column.split(": ");
            return <Tag key={column} color={kind === "missing" ? "gold" : "blue"}>{t(`columns.${kind}`, { defaultValue: kind })}: {rest.join(": ")}</Tag>;
          })}
        </Typography.Paragraph>
      )}
    </Card>
  );
}

function useAxis() {
  const { token } = theme.useToken();
  return {
    text: token.colorTextSecondary,
    base: {
      grid: { left: 8, right: 12, top: 56, bottom: 4, containLabel: true },
      tooltip: { trigger: "axis" as const },
      legend: { top: 0, left: 0, itemWidth: 12, itemHeight: 8, textStyle: { color: token.colorTextSecondary } },
      animationDuration: 300,
    },
  };
}

function Volume({ days }: { days: Day[] }) {
  const { t } = useTranslation("feeds");
  const { day, number } = useFormat();
  const { base, text } = useAxis();
  const colours = useOutcomeColours();
  const { token } = theme.useToken();
  const hasUsual = days.some((one) => one.usual_rows);
  const option = useMemo(
    () => ({
      ...base,
      xAxis: { type: "category", data: days.map((one) => day(one.day)), axisLabel: { color: text } },
      yAxis: { type: "value", minInterval: 1, axisLabel: { color: text }, splitLine: { lineStyle: { color: token.colorBorderSecondary } } },
      series: [
        { name: t("health.usable"), type: "bar", stack: "rows", barMaxWidth: 32, itemStyle: { color: colours.accepted }, data: days.map((one) => one.rows - one.quarantined) },
        { name: t("outcome.quarantined"), type: "bar", stack: "rows", barMaxWidth: 32, itemStyle: { color: colours.quarantined }, data: days.map((one) => one.quarantined) },
        ...(hasUsual ? [{ name: t("health.usualRows"), type: "line", symbol: "circle", lineStyle: { type: "dashed" }, itemStyle: { color: token.gold6 }, data: days.map((one) => one.usual_rows ?? null) }] : []),
      ],
    }),
    [days, t, text, token],
  );
  const last = days[days.length - 1];
  return <Chart option={option} height={260} label={t("health.volumeLabel", { days: days.length, rows: number(last?.rows), day: day(last?.day) })} />;
}

function Shares({ days }: { days: Day[] }) {
  const { t } = useTranslation("feeds");
  const { day, percent } = useFormat();
  const { base, text } = useAxis();
  const { token } = theme.useToken();
  const shareOf = (one: Day, rows: number) => (one.rows > 0 ? rows / one.rows : 0);
  const option = useMemo(() => {
    const line = (name: string, colour: string, of: (one: Day) => number) => ({ name, type: "line", symbol: "circle", symbolSize: 8, itemStyle: { color: colour }, data: days.map((one) => shareOf(one, of(one))) });
    return {
      ...base,
      tooltip: { trigger: "axis" as const, valueFormatter: (value: unknown) => percent(Number(value), 2) },
      xAxis: { type: "category", data: days.map((one) => day(one.day)), axisLabel: { color: text } },
      yAxis: { type: "value", min: 0, axisLabel: { color: text, formatter: (value: number) => percent(value) }, splitLine: { lineStyle: { color: token.colorBorderSecondary } } },
      series: [
        line(t("outcome.quarantined"), token.colorError, (one) => one.quarantined),
        line(t("health.late"), token.gold6, (one) => one.late),
        line(t("health.reused"), token.purple6, (one) => one.numbers_reused),
      ],
    };
  }, [days, t, text, token]);
  const last = days[days.length - 1];
  return <Chart option={option} height={260} label={t("health.sharesLabel", { share: percent(last ? shareOf(last, last.quarantined) : 0), day: day(last?.day) })} />;
}

/** Reasons of quarantine over all days that are known. */
function Reasons({ days, feed }: { days: Day[]; feed: string }) {
  const { t } = useTranslation("feeds");
  const { number } = useFormat();
  const { token } = theme.useToken();
  const meaning = useMeaning();
  const counts = new Map<string, number>();
  for (const one of days) for (const [code, rows] of Object.entries(one.codes)) counts.set(code, (counts.get(code) ?? 0) + rows);
  const found = [...counts].sort((a, b) => b[1] - a[1]);
  const most = found[0]?.[1] ?? 1;
  if (found.length === 0) return <Empty>{t("health.noReasons")}</Empty>;
  return (
    <>
      {found.map(([code, rows]) => (
        <Flex key={code} wrap align="center" gap="2px 8px" style={{ padding: "4px 0" }}>
          <span style={{ flex: "1 1 100%" }}>
            <Link to={`/feeds/${feed}/batches?code=${code}`} style={{ textDecoration: "underline" }}>{meaning(code)}</Link> <CodeTag code={code} />
          </span>
          <span style={{ flex: 1, height: 8, borderRadius: 4, background: token.colorFillTertiary }}>
            <span style={{ display: "block", height: 8, borderRadius: 4, width: `${(100 * rows) / most}%`, background: token.colorError }} />
          </span>
          <span className="numbers" style={{ minWidth: 48, textAlign: "end" }}>{number(rows)}</span>
        </Flex>
      ))}
      <Typography.Paragraph style={{ margin: "8px 0 0" }}>
        <Link to={`/feeds/${feed}/batches?outcome=quarantined`}>{t("health.toBatches")}</Link>
      </Typography.Paragraph>
    </>
  );
}

interface Emptiness {
  field: string;
  now: number;
  usual: number | undefined;
}

/** Fields that are empty more often than they were. */
function Drift({ days }: { days: Day[] }) {
  const { t } = useTranslation("feeds");
  const { percent } = useFormat();
  const name = useFieldName();
  const last = days[days.length - 1];
  const earlier = days.slice(0, -1).filter((one) => one.looked_at > 0);
  const rows: Emptiness[] = Object.entries(last?.empty_fields ?? {}).map(([field, empty]) => ({
    field,
    now: last && last.looked_at > 0 ? empty / last.looked_at : 0,
    usual: earlier.length > 0 ? median(earlier.map((one) => (one.empty_fields[field] ?? 0) / one.looked_at)) : undefined,
  }));
  rows.sort((a, b) => b.now - (b.usual ?? 0) - (a.now - (a.usual ?? 0)));
  return (
    <Table<Emptiness>
      aria-label={t("health.drift")}
      size="small"
      rowKey="field"
      pagination={{ pageSize: 8, hideOnSinglePage: true, size: "small" }}
      dataSource={rows}
      locale={{ emptyText: <Empty>{t("health.noDrift")}</Empty> }}
      columns={[
        { key: "field", title: t("profile.field"), render: (_, row) => name(row.field) },
        { key: "now", title: t("health.emptyNow"), align: "end", render: (_, row) => <span className="numbers">{percent(row.now)}</span> },
        { key: "usual", title: t("health.emptyUsual"), align: "end", render: (_, row) => <span className="numbers">{percent(row.usual)}</span> },
        { key: "change", title: t("health.change"), render: (_, row) => (row.usual === undefined ? "–" : row.now > row.usual + 0.2 ? <Tag color="red">{t("health.worse")}</Tag> : <Tag>{t("health.asUsual")}</Tag>) },
      ]}
    />
  );
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
