import { CheckCircleFilled, CloseCircleFilled } from "@ant-design/icons";
import { Alert, Card, Col, Flex, Row, Statistic, Tag, Typography } from "antd";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFeedName } from "../../parts/feedNames";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { StackedTable } from "../../parts/StackedTable";
import { ProblemAlert } from "../../parts/states";
import { countHeld, readReady, readStatus, type Status } from "./ask";
import { perMinute, total, useMetrics } from "./metrics";
import { Throughput } from "./Throughput";

const EVERY_MS = 10_000;
/** Behind by more than this, the views are no longer of now. */
const LAG_MUCH = 5_000;

/** Is it running, and does it keep up? The numbers that matter first. */
export function Overview() {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const { samples, failed } = useMetrics();
  const ready = useQuery({ queryKey: ["operations", "ready"], queryFn: readReady, refetchInterval: EVERY_MS });
  const status = useQuery({ queryKey: ["operations", "status"], queryFn: readStatus, refetchInterval: (query) => (query.state.data ? EVERY_MS : false) });
  const held = useQuery({ queryKey: ["operations", "held"], queryFn: countHeld });
  const newest = samples.at(-1);
  const before = samples.at(-13) ?? samples[0];
  const lag = status.data ? status.data.topics.reduce((sum, topic) => sum + topic.lag, 0) : newest && total(newest, "isthmus_projector_lag_events");
  const rate = (name: string) => (before && newest && before !== newest ? perMinute(before, newest, name) : undefined);
  const lastMinute = t(before === newest ? "throughput.waits" : "overview.lastMinute");
  const open = held.data?.reduce((sum, count) => sum + count.rows, 0);
  return (
    <Page title={t("overview.title")} extra={status.data && <Tag>{t("overview.version", { version: status.data.version })}</Tag>}>
      <Row gutter={[12, 12]}>
        <Figure
          title={t("overview.state")}
          value={ready.isError || failed ? t("overview.away") : ready.data ? t(ready.data.ready ? "overview.ready" : "overview.notReady") : "…"}
          icon={ready.data?.ready && !failed ? <CheckCircleFilled aria-hidden style={{ color: "var(--good)" }} /> : ready.isPending ? undefined : <CloseCircleFilled aria-hidden style={{ color: "var(--alert)" }} />}
          note={ready.data && !ready.data.ready ? ready.data.word : status.data && t("overview.uptime", { time: duration(status.data.uptime_seconds, t) })}
        />
        <Figure title={t("overview.lag")} value={format.number(lag)} alert={(lag ?? 0) > LAG_MUCH} note={t((lag ?? 0) > LAG_MUCH ? "overview.lagMuch" : "overview.lagNone")} />
        <Figure title={t("overview.rowsIn")} value={format.number(rate("isthmus_ingest_rows_total"))} note={lastMinute} />
        <Figure title={t("overview.answers")} value={format.number(rate("isthmus_disclosures_total"))} note={lastMinute} />
        <Figure title={t("overview.held")} value={format.number(open)} note={<Link to="/operations/quarantine">{t("overview.toDesk")}</Link>} />
        <Figure title={t("overview.setAside")} value={format.number(status.data?.set_aside)} alert={(status.data?.set_aside ?? 0) > 0} note={t("overview.setAsideHelp")} hidden={!status.data} />
      </Row>
      {failed && <Alert type="warning" showIcon title={t("overview.noMetrics")} style={{ marginTop: 12 }} />}
      {status.isError && <div style={{ marginTop: 12 }}><ProblemAlert error={status.error} /></div>}
      {held.isError && <div style={{ marginTop: 12 }}><ProblemAlert error={held.error} /></div>}
      <Throughput samples={samples} />
      <Feeds feeds={status.data?.feeds} alerts={newest?.series.filter(({ name, value }) => name === "isthmus_feed_alert_state" && value > 0).map(({ labels }) => ({ feed: labels.feed ?? "", alert: labels.alert ?? "" })) ?? []} />
      {status.data && <Holdings status={status.data} />}
    </Page>
  );
}

function duration(seconds: number, t: (key: string, values: Record<string, number>) => string): string {
  if (seconds < 3600) return t("overview.minutes", { count: Math.floor(seconds / 60) });
  if (seconds < 172_800) return t("overview.hours", { count: Math.floor(seconds / 3600) });
  return t("overview.days", { count: Math.floor(seconds / 86_400) });
}

function Figure({ title, value, note, icon, alert = false, hidden = false }: { title: string; value: string; note?: ReactNode; icon?: ReactNode; alert?: boolean; hidden?: boolean }) {
  if (hidden) return null;
  return (
    <Col xs={12} sm={8} xl={4}>
      <Card size="small" style={{ height: "100%" }}>
        <Statistic title={title} value={value} prefix={icon} styles={alert ? { content: { color: "var(--alert)" } } : undefined} />
        <Typography.Text type="secondary">{note}</Typography.Text>
      </Card>
    </Col>
  );
}

function Feeds({ feeds, alerts }: { feeds?: Status["feeds"]; alerts: { feed: string; alert: string }[] }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const name = useFeedName();
  const names = [...new Set([...(feeds ?? []).map(({ feed }) => feed), ...alerts.map(({ feed }) => feed)])];
  const rows = names.map((feed) => ({ feed, day: feeds?.find((day) => day.feed === feed), alerts: alerts.filter((alert) => alert.feed === feed) }));
  // What needs somebody comes first.
  rows.sort((a, b) => b.alerts.length - a.alerts.length || (b.day?.quarantined ?? 0) - (a.day?.quarantined ?? 0) || a.feed.localeCompare(b.feed));
  return (
    <Card size="small" style={{ marginTop: 16 }} title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("feeds.title")}</h2>} extra={<Tag color={alerts.length ? "red" : "green"}>{t("feeds.alerts", { count: alerts.length })}</Tag>}>
      {rows.length === 0 ? <Typography.Text type="secondary">{t("feeds.none")}</Typography.Text> : (
        <StackedTable
          aria-label={t("feeds.title")}
          rowKey="feed"
          size="small"
          pagination={false}
          scroll={{ x: 760 }}
          dataSource={rows}
          columns={[
            { key: "feed", title: t("feeds.feed"), render: (_, { feed }) => name(feed) },
            { key: "alerts", title: t("feeds.state"), render: (_, { alerts }) => (alerts.length ? alerts.map(({ alert }) => <Tag key={alert} color="red">{t(`alert.${alert}`, { defaultValue: alert })}</Tag>) : <Tag color="green">{t("feeds.well")}</Tag>) },
            { key: "rows", title: t("feeds.rows"), align: "end", render: (_, { day }) => <span className="numbers">{format.number(day?.rows)}</span> },
            { key: "quarantined", title: t("feeds.quarantined"), align: "end", render: (_, { feed, day }) => <span className="numbers">{day?.quarantined ? <Link to="/operations/quarantine/rows" state={{ feed }}>{format.number(day.quarantined)} · {format.percent(day.quarantined / Math.max(1, day.rows), 2)}</Link> : format.number(day?.quarantined)}</span> },
            { key: "day", title: t("feeds.day"), render: (_, { day }) => format.day(day?.day) },
            { key: "last", title: t("feeds.last"), render: (_, { day }) => format.instant(day?.last_arrival) },
          ]}
        />
      )}
    </Card>
  );
}

/** A topic in words, with the name that other programs know it by. */
function TopicName({ topic }: { topic: string }) {
  const { t } = useTranslation("operations");
  const name = t(`topic.${topic.replaceAll(".", "-")}`, { defaultValue: "" });
  const code = <Typography.Text type="secondary" style={{ fontSize: 12 }}>{topic}</Typography.Text>;
  return name ? <>{name} {code}</> : code;
}

function Holdings({ status }: { status: Status }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const { storage } = status;
  const title = (key: string) => <h2 style={{ fontSize: 16, margin: 0 }}>{t(key)}</h2>;
  return (
    <Row gutter={[16, 16]} style={{ marginTop: 16 }}>
      <Col xs={24} lg={12}>
        <Card size="small" title={title("topics.title")} style={{ height: "100%" }}>
          <StackedTable
            aria-label={t("topics.title")}
            rowKey="topic"
            size="small"
            pagination={false}
            dataSource={[...status.topics].sort((a, b) => b.lag - a.lag || b.written - a.written)}
            columns={[
              { key: "topic", title: t("topics.topic"), render: (_, { topic }) => <TopicName topic={topic} /> },
              { key: "written", title: t("topics.written"), align: "end", width: 120, render: (_, { written }) => <span className="numbers">{format.number(written)}</span> },
              { key: "lag", title: t("topics.lag"), align: "end", width: 110, render: (_, { lag }) => <span className="numbers">{format.number(lag)}</span> },
            ]}
          />
        </Card>
      </Col>
      <Col xs={24} lg={12}>
        <Card size="small" title={title("holdings.title")} style={{ marginBottom: 16 }}>
          <Row gutter={[12, 12]}>
            {(["persons", "records", "facts", "ledger_entries"] as const).map((name) => (
              <Col key={name} xs={12} sm={6}><Statistic title={t(`holdings.${name}`)} value={format.number(status[name])} /></Col>
            ))}
          </Row>
        </Card>
        <Card size="small" title={title("storage.title")} style={{ marginBottom: 16 }}>
          <Row gutter={[12, 12]}>
            {(["database_bytes", "raw_bytes", "ledger_bytes"] as const).map((name) => (
              <Col key={name} xs={8}><Statistic title={t(`storage.${name}`)} value={format.bytes(storage[name])} /></Col>
            ))}
          </Row>
        </Card>
        <Card size="small" title={title("services.title")}>
          <Flex wrap gap={8}>{status.services.map((name) => <Tag key={name} color="green" icon={<CheckCircleFilled aria-hidden />}>{t(`services.${name}`, { defaultValue: name })}</Tag>)}</Flex>
        </Card>
      </Col>
    </Row>
  );
}
