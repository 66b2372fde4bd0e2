import { WarningOutlined } from "@ant-design/icons";
import { Button, Card, Col, Flex, Row, Segmented, Statistic, Switch, Tag, Typography } from "antd";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { StackedTable } from "../../parts/StackedTable";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { Problem } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { Empty, Failed, Loading } from "../../parts/states";
import { Version } from "../../parts/Version";
import { listUnexplained, type EntryView, type Weighed } from "./ask";
import { EntryDrawer } from "./Entry";
import { NotOffered, useCodes } from "./words";

/** Looks by how doubtful they are: what nothing explains comes first. */
export function Unexplained() {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const navigate = useNavigate();
  const [days, setDays] = useState(0);
  const [alerts, setAlerts] = useState(false);
  const [opened, setOpened] = useState<EntryView>();
  const query = useInfiniteQuery({
    queryKey: ["audit", "unexplained", days, alerts],
    queryFn: ({ pageParam }) => listUnexplained(days ? new Date(Date.now() - days * 86_400_000).toISOString() : undefined, alerts, pageParam),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const first = query.data?.pages[0];
  const looks = query.data?.pages.flatMap((page) => page.looks) ?? [];
  const missing = query.error instanceof Problem && query.error.code === "route-unknown";
  return (
    <Page title={t("unexplained.title")} extra={<><ReceiptTag receipt={query.data?.pages.at(-1)?.receipt} />{first && <Tag>{t("unexplained.rules")}<Version of={first.rules} /></Tag>}</>}>
      <Typography.Paragraph type="secondary">{t("unexplained.lead")}</Typography.Paragraph>
      {missing ? (
        <Flex vertical gap={12}><NotOffered /><Link to="/audit/log">{t("section.log")}</Link></Flex>
      ) : query.isPending ? <Loading /> : query.isError ? <Failed error={query.error} retry={() => void query.refetch()} /> : (
        <>
          <Row gutter={[16, 16]} style={{ marginBottom: 16 }}>
            <Col xs={12} md={8}><Card size="small"><Statistic title={t("unexplained.alerts")} value={format.number(first?.alerts)} prefix={first?.alerts ? <WarningOutlined aria-hidden /> : undefined} styles={first?.alerts ? { content: { color: "var(--alert)" } } : undefined} /></Card></Col>
            <Col xs={12} md={8}><Card size="small"><Statistic title={t("unexplained.unexplained")} value={format.number(first?.unexplained)} /></Card></Col>
            <Col xs={12} md={8}><Card size="small"><Statistic title={t("unexplained.weighed")} value={format.number(first?.weighed)} /></Card></Col>
          </Row>
          <Flex wrap gap={16} align="center" style={{ marginBottom: 12 }}>
            <Segmented<number> aria-label={t("period")} value={days} onChange={setDays} options={[{ value: 0, label: t("figures.all") }, { value: 30, label: t("figures.last30") }, { value: 7, label: t("figures.last7") }, { value: 1, label: t("figures.today") }]} />
            <label><Switch checked={alerts} onChange={setAlerts} size="small" aria-label={t("unexplained.only")} /> {t("unexplained.only")}</label>
          </Flex>
          {looks.length === 0 ? <Empty>{t("unexplained.none")}</Empty> : <Looks looks={looks} open={setOpened} />}
          {query.hasNextPage && <Button style={{ marginTop: 12 }} loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t("more")}</Button>}
        </>
      )}
      <EntryDrawer entry={opened} onClose={() => setOpened(undefined)} onFilter={(actor) => void navigate("/audit/log", { state: { actor } })} />
    </Page>
  );
}

function Looks({ looks, open }: { looks: Weighed[]; open: (entry: EntryView) => void }) {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const codes = useCodes();
  return (
    <StackedTable<Weighed>
      aria-label={t("unexplained.table")}
      rowKey={({ entry }) => entry.index}
      size="small"
      virtual
      pagination={false}
      scroll={{ x: 1300, y: 560 }}
      dataSource={looks}
      onRow={({ entry }) => ({ onClick: () => open(entry), style: { cursor: "pointer" } })}
      columns={[
        { key: "score", title: t("unexplained.score"), width: 110, render: (_, { score, alert }) => <Flex gap={6} align="center"><strong className="numbers">{format.number(score, 1)}</strong>{alert && <Tag color="red" icon={<WarningOutlined />}>{t("unexplained.alert")}</Tag>}</Flex> },
        { key: "index", title: t("entry.index"), width: 76, render: (_, { entry }) => <Button type="link" size="small" style={{ padding: 0 }} aria-label={t("log.open", { index: entry.index })} onClick={() => open(entry)}>{entry.index}</Button> },
        { key: "why", title: t("unexplained.explanations"), width: 190, render: (_, { explanations }) => (explanations.length ? explanations.map((code) => <Tag key={code} color="green">{codes.explanation(code)}</Tag>) : <Tag color="orange">{t("unexplained.nothing")}</Tag>) },
        { key: "parts", title: t("unexplained.parts"), width: 330, render: (_, { parts }) => (parts.length ? parts.map(({ rule, weight }) => <Tag key={rule}>{codes.rule(rule)} <span className="numbers">{weight > 0 ? "+" : ""}{weight}</span></Tag>) : "–") },
        { key: "time", title: t("entry.time"), width: 200, render: (_, { entry }) => <span className="numbers">{format.second(entry.time)}</span> },
        { key: "actor", title: t("entry.actor"), width: 160, ellipsis: true, render: (_, { entry }) => entry.actor },
        { key: "role", title: t("entry.role"), width: 130, ellipsis: true, render: (_, { entry }) => codes.role(entry.role) },
        { key: "action", title: t("entry.action"), width: 130, ellipsis: true, render: (_, { entry }) => codes.action(entry.action) },
      ]}
    />
  );
}
