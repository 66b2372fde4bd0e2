import { CheckCircleFilled, ExclamationCircleFilled } from "@ant-design/icons";
import { Alert, Card, Col, Flex, Grid, Row, Statistic, Table, Typography, theme } from "antd";
import type { ColumnsType } from "antd/es/table";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Scroll } from "../../parts/Scroll";
import { StackedTable } from "../../parts/StackedTable";
import { Asked } from "../../parts/states";
import { useTask } from "../../session/task";
import { useGroupName } from "./names";
import { useSummary, type Count, type Summary } from "./unit";
import { useUnitName } from "../../parts/unit";
import { Version } from "../../parts/Version";

/** The grid at a glance. */
export function Overview({ unit }: { unit: string }) {
  const { t } = useTranslation("community");
  const summary = useSummary(unit);
  const unitName = useUnitName();
  return (
    <Page
      title={t("title")}
      extra={
        <>
          <Typography.Text type="secondary">{unitName(unit)}</Typography.Text>
          <ReceiptTag receipt={summary.data?.receipt} />
        </>
      }
    >
      <Asked query={summary}>
        {(answer) => (
          <>
            <Withheld of="read-unit" groups={answer.withheld} />
            <Flex vertical gap={16}>
              <Glance summary={answer} />
              <KeyGroups summary={answer} />
              <Sum summary={answer} />
            </Flex>
          </>
        )}
      </Asked>
    </Page>
  );
}

function Figure({ title, value, to, tone, note }: { title: string; value: number; to?: string; tone?: string; note?: ReactNode }) {
  const { number } = useFormat();
  const body = (
    <Card size="small" hoverable={Boolean(to)} style={{ height: "100%" }}>
      <Statistic title={title} value={value} formatter={() => number(value)} styles={{ content: { color: tone, fontWeight: 600 } }} />
      {note && <Typography.Text type="secondary" style={{ fontSize: 12 }}>{note}</Typography.Text>}
    </Card>
  );
  return (
    <Col xs={12} sm={8} xl={4} data-figure={title}>
      {to ? <Link to={to}>{body}</Link> : body}
    </Col>
  );
}

/** The numbers that a worker begins the day with; each leads to the people behind it. */
function Glance({ summary }: { summary: Summary }) {
  const { t } = useTranslation("community");
  const { token } = theme.useToken();
  const { number, day } = useFormat();
  const total: Count = summary.total;
  const tasks = total.follow_ups;
  return (
    <>
      <Row gutter={[12, 12]}>
        {tasks && (
          <>
            <Figure title={t("figure.overdue")} value={tasks.overdue} to="/community/tasks?show=overdue" tone={tasks.overdue ? token.colorErrorText : undefined} note={t("figure.ofOpen", { open: number(tasks.open) })} />
            <Figure title={t("figure.toNotify")} value={tasks.to_notify} to="/community/tasks?show=to_notify" />
            <Figure title={t("figure.notReached")} value={tasks.not_reached} to="/community/tasks?show=not_reached" tone={tasks.not_reached ? token.orange7 : undefined} />
            <Figure title={t("figure.quarantined")} value={tasks.quarantined} to="/community/tasks?show=quarantined" note={tasks.quarantined_until && t("figure.until", { day: day(tasks.quarantined_until) })} />
          </>
        )}
        <Figure title={t("figure.residents")} value={summary.total.residents} to="/community/residents" />
        <Figure title={t("figure.households")} value={summary.total.households} />
      </Row>
      {useTask()?.purpose !== "PUBHLTH" && <Alert type="info" showIcon title={t("figure.otherPurpose")} />}
    </>
  );
}

function KeyGroups({ summary }: { summary: Summary }) {
  const { t } = useTranslation("community");
  const { number, percent } = useFormat();
  const { token } = theme.useToken();
  const name = useGroupName();
  const groups = summary.total.key_groups;
  if (!groups) return null;
  return (
    <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("groups.title")}</h2>} extra={<Typography.Text type="secondary">{t("groups.rules")}{summary.key_group_rules && <Version of={summary.key_group_rules} />}</Typography.Text>}>
      <ul style={{ listStyle: "none", margin: 0, padding: 0 }}>
        {groups.map((group) => (
          <li key={group.key_group} style={{ display: "flex", flexWrap: "wrap", alignItems: "baseline", gap: "2px 12px", padding: "8px 0", borderBottom: `1px solid ${token.colorBorderSecondary}` }}>
            <span className="numbers" style={{ minWidth: 48, fontSize: 18, fontWeight: 600, textAlign: "end" }}>{number(group.members)}</span>
            <span style={{ flex: "1 1 200px" }}>
              {group.members > 0 ? <Link to={`/community/residents?group=${encodeURIComponent(group.key_group)}`}>{name(group.key_group)}</Link> : name(group.key_group)}
            </span>
            <Typography.Text type="secondary" style={{ fontSize: 12, marginInlineStart: 60 }}>
              {summary.total.residents > 0 && t("groups.share", { share: percent(group.members / summary.total.residents) })}
              {group.unknown > 0 && ` · ${t("groups.unknown", { count: group.unknown, shown: number(group.unknown) })}`}
            </Typography.Text>
          </li>
        ))}
      </ul>
      <Typography.Paragraph type="secondary" style={{ fontSize: 12, margin: "8px 0 0" }}>
        {t("groups.overlap")}
      </Typography.Paragraph>
    </Card>
  );
}

interface Line {
  key: string;
  unit: string;
  count: Count;
}

/** The units below and whoever is known no closer, added up before the reader's eyes. */
function Sum({ summary }: { summary: Summary }) {
  const { t } = useTranslation("community");
  const { number, day } = useFormat();
  const { token } = theme.useToken();
  const name = useGroupName();
  const wide = Grid.useBreakpoint().md ?? true;
  const lines: Line[] = summary.below.map((count, at) => ({ key: String(at), unit: count.unit ?? t(summary.below.length > 1 ? "sum.elsewhere" : "sum.itself"), count }));
  const groups = summary.total.key_groups ?? [];
  const added = (of: (count: Count) => number) => lines.reduce((sum, line) => sum + of(line.count), 0);
  const members = (count: Count, code: string) => count.key_groups?.find((group) => group.key_group === code)?.members ?? 0;
  const measures = [
    { key: "residents", title: t("figure.residents"), of: (count: Count) => count.residents },
    { key: "households", title: t("figure.households"), of: (count: Count) => count.households },
    ...((summary.total as Count).follow_ups
      ? (["open", "overdue", "to_notify", "not_reached", "quarantined"] as const).map((key) => ({ key, title: t(`measure.${key}`), of: (count: Count) => count.follow_ups?.[key] ?? 0 }))
      : []),
    ...groups.map((group) => ({ key: group.key_group, title: name(group.key_group), of: (count: Count) => members(count, group.key_group) })),
  ];
  const agrees = measures.every(({ of }) => added(of) === of(summary.total));
  const columns: ColumnsType<Line> = [
    { title: t("sum.unit"), dataIndex: "unit", width: 140 },
    ...measures.map(({ key, title, of }) => ({ key, title, align: "end" as const, width: 98, render: (_: unknown, line: Line) => <span className="numbers">{number(of(line.count))}</span> })),
  ];
  return (
    <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("sum.title")}</h2>}>
      {wide ? (
        <Scroll label={t("sum.title")} width="max-content">
          <Table<Line>
            aria-label={t("sum.title")}
            size="small"
            columns={columns}
            dataSource={lines}
            pagination={lines.length > 50 ? { pageSize: 50 } : false}
            summary={() => (
              <Table.Summary.Row>
                <Table.Summary.Cell index={0}>
                  <strong>{t("sum.total")}</strong>
                </Table.Summary.Cell>
                {measures.map(({ key, of }, at) => (
                  <Table.Summary.Cell key={key} index={at + 1} align="end">
                    <strong className="numbers" data-sum={key}>{number(of(summary.total))}</strong>
                  </Table.Summary.Cell>
                ))}
              </Table.Summary.Row>
            )}
          />
        </Scroll>
      ) : (
        <StackedTable<Line> aria-label={t("sum.title")} size="small" columns={columns} dataSource={[...lines, { key: "total", unit: t("sum.total"), count: summary.total }]} pagination={lines.length > 50 && { pageSize: 50 }} />
      )}
      <Typography.Paragraph style={{ margin: "12px 0 0" }} data-agrees={agrees}>
        {agrees ? <CheckCircleFilled style={{ color: token.colorSuccess }} aria-hidden /> : <ExclamationCircleFilled style={{ color: token.colorError }} aria-hidden />}{" "}
        {agrees ? t("sum.agrees", { count: lines.length }) : t("sum.differs")} <Typography.Text type="secondary">{t("sum.help", { day: day(summary.day) })}</Typography.Text>
      </Typography.Paragraph>
    </Card>
  );
}
