import { AlertOutlined, KeyOutlined, ReloadOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Collapse, Descriptions, Flex, Select, Space, Table, Tag, Timeline, Typography } from "antd";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../../api/client";
import { useSignedIn } from "../../session/session";
import { MAY_INVOKE, useTask } from "../../session/task";
import { useBegin } from "../../session/TaskBar";
import { addTexts } from "../../text";
import { useFormat } from "../format";
import { Page, ReceiptTag } from "../Page";
import { Asked, Empty, ProblemAlert } from "../states";
import { AskGrant } from "./Ask";
import { approveGrant, listGrants, readGrant, reviewGrant, stopGrant, type Grant } from "./ask";
import { en, zh } from "./text";
import { KEY, useAct } from "./useAct";

addTexts("grants", en, zh);

const MAY = {
  ask: ["cdc-tracer", "cdc-lead"],
  approve: ["cdc-lead", "privacy-officer"],
  stop: ["cdc-tracer", "cdc-lead", "privacy-officer", "auditor", "operator"],
  review: ["auditor", "privacy-officer"],
};
const COLOURS = { requested: "gold", lapsed: "default", active: "red", ended: "blue", stopped: "blue", reviewed: "default" };

/** Emergency grants, those that wait for somebody first. What a role may do is offered; the hub decides. */
export function GrantsPage() {
  const { t } = useTranslation("grants");
  const query = useQuery({ queryKey: KEY, queryFn: listGrants });
  const role = useSignedIn().role ?? "";
  const [asking, setAsking] = useState(false);
  const areas = [...new Set(query.data?.grants.map(({ area }) => area))];
  const missing = query.error instanceof Problem && query.error.code === "route-unknown";
  return (
    <Page
      title={t("title")}
      extra={<Flex gap={8} align="center" wrap><ReceiptTag receipt={query.data?.receipt} />{!missing && <Button size="small" icon={<ReloadOutlined />} loading={query.isFetching} onClick={() => void query.refetch()}>{t("refresh")}</Button>}{!missing && !asking && MAY.ask.includes(role) && <Button type="primary" icon={<AlertOutlined />} onClick={() => setAsking(true)}>{t("ask.title")}</Button>}</Flex>}
    >
      <Typography.Paragraph type="secondary">{t("lead")}</Typography.Paragraph>
      {asking && <AskGrant areas={areas} close={() => setAsking(false)} />}
      {missing ? <Alert type="info" showIcon title={t("notOffered")} /> : <Asked query={query}>{({ grants }) => (grants.length ? <Grants grants={grants} /> : <Empty>{t("none")}</Empty>)}</Asked>}
    </Page>
  );
}

function Grants({ grants }: { grants: Grant[] }) {
  const { t } = useTranslation("grants");
  const parts = [
    { key: "waiting", of: grants.filter(({ state }) => state === "requested") },
    { key: "running", of: grants.filter(({ state }) => state === "active") },
    { key: "past", of: grants.filter(({ state }) => ["ended", "stopped", "reviewed", "lapsed"].includes(state)) },
  ];
  return parts.map(({ key, of }) => of.length > 0 && (
    <section key={key} aria-label={t(key)} style={{ marginBottom: 24 }}>
      <Typography.Title level={2} style={{ fontSize: 18 }}>{t(key)} ({of.length})</Typography.Title>
      <Flex vertical gap={12}>{of.map((grant) => <GrantCard key={grant.grant} grant={grant} />)}</Flex>
    </section>
  ));
}

function GrantCard({ grant }: { grant: Grant }) {
  const { t } = useTranslation("grants");
  const { t: common } = useTranslation();
  const format = useFormat();
  const role = useSignedIn().role ?? "";
  const word = (group: string, code: string) => t(`${group}.${code}`, { defaultValue: code });
  const left = grant.ends ? Math.max(0, Math.round((Date.parse(grant.ends) - Date.now()) / 60_000)) : 0;
  const waits = grant.state === "requested";
  const second = waits && grant.acts.some(({ act }) => act === "APPROVED");
  const acts = [{ act: "REQUESTED", by: grant.requested_by, unit: grant.unit, at: grant.requested_at, reason: undefined }, ...grant.acts];
  return (
    <Card
      size="small"
      data-grant={grant.state}
      title={<h3 style={{ fontSize: 16, margin: 0 }}>{grant.area} <Tag color={COLOURS[grant.state]}>{t(second ? "state.second" : `state.${grant.state}`)}</Tag>{grant.overdue && <Tag color="red">{t("overdue")}</Tag>}</h3>}
      extra={grant.state === "active" && <strong className="numbers">{t("left", { minutes: format.number(left) })}</strong>}
    >
      <Descriptions
        size="small"
        column={{ xs: 1, sm: 2, lg: 3 }}
        items={[
          { key: "reason", label: t("reason"), children: word("reasons", grant.reason) },
          { key: "purpose", label: t("purpose"), children: common(`purpose.${grant.purpose}`, { defaultValue: grant.purpose }) },
          { key: "minutes", label: t("duration"), children: t("minutes", { count: grant.minutes }) },
          { key: "roles", label: t("roles"), children: grant.roles.map((name) => <Tag key={name}>{common(`role.${name}`, { defaultValue: name })}</Tag>) },
          { key: "groups", label: t("groups"), children: grant.groups.map((name) => <Tag key={name}>{common(`group.${name}`, { defaultValue: name })}</Tag>) },
          { key: "by", label: t("requestedBy"), children: <>{grant.requested_by} · {format.instant(grant.requested_at)}</> },
          ...(grant.ends ? [{ key: "until", label: t("until"), children: format.instant(grant.ends) }] : []),
          ...(grant.review_due ? [{ key: "due", label: t("reviewDue"), children: format.instant(grant.review_due) }] : []),
        ]}
      />
      <Timeline
        style={{ marginTop: 12 }}
        items={acts.map((act) => ({
          content: (
            <Flex wrap gap="0 8px">
              <span className="numbers">{format.instant(act.at)}</span>
              <strong>{word("act", act.act)}</strong>
              <span>{act.unit ? t("ofUnit", { by: act.by, unit: act.unit }) : act.by}</span>
              {act.reason && <Typography.Text type="secondary">{t(`verdicts.${act.reason}`, { defaultValue: word("reasons", act.reason) })}</Typography.Text>}
            </Flex>
          ),
        }))}
      />
      <Flex wrap gap={12} align="center">
        {grant.state === "active" && MAY_INVOKE.has(role) && grant.roles.includes(role) && <Invoke grant={grant} />}
        {waits && MAY.approve.includes(role) && <Approve grant={grant} />}
        {(waits || grant.state === "active") && MAY.stop.includes(role) && <Stop grant={grant} />}
      </Flex>
      {MAY.review.includes(role) && !waits && grant.state !== "lapsed" && <Detail grant={grant} />}
    </Card>
  );
}

/** From then on every question goes under the grant, and the bar of the task says so. */
function Invoke({ grant }: { grant: Grant }) {
  const { t } = useTranslation("grants");
  const task = useTask();
  const begin = useBegin();
  if (!task) return null;
  if (task.grant === grant.grant) return <Button icon={<KeyOutlined />} onClick={() => begin({ ...task, grant: undefined })}>{t("release")}</Button>;
  return (
    <>
      <Button type="primary" icon={<KeyOutlined />} onClick={() => begin({ ...task, grant: grant.grant })} data-invoke>{t("invoke")}</Button>
      <Typography.Text type="secondary">{t("invokeHelp")}</Typography.Text>
    </>
  );
}

function Approve({ grant }: { grant: Grant }) {
  const { t } = useTranslation("grants");
  const approve = useAct(() => approveGrant(grant.grant), t("approved"));
  return (
    <>
      <Button type="primary" loading={approve.isPending} onClick={() => approve.mutate(undefined)}>{t("approve")}</Button>
      <Typography.Text type="secondary">{t("approveHelp")}</Typography.Text>
      {approve.isError && <ProblemAlert error={approve.error} />}
    </>
  );
}

function Stop({ grant }: { grant: Grant }) {
  const { t } = useTranslation("grants");
  const [reason, setReason] = useState("NOT_NEEDED");
  const stop = useAct((reason: string) => stopGrant(grant.grant, reason), t("stopped"));
  return (
    <>
      <Space.Compact>
        <Select aria-label={t("reason")} value={reason} onChange={setReason} style={{ minWidth: 180 }} options={["NOT_NEEDED", "MISUSE", "OTHER"].map((value) => ({ value, label: t(`reasons.${value}`) }))} />
        <Button danger loading={stop.isPending} onClick={() => stop.mutate(reason)}>{t("stop")}</Button>
      </Space.Compact>
      <Typography.Text type="secondary">{t("stopHelp")}</Typography.Text>
      {stop.isError && <ProblemAlert error={stop.error} />}
    </>
  );
}

/** Who was concerned is a look of its own: it is asked when somebody opens it. */
function Detail({ grant }: { grant: Grant }) {
  const { t } = useTranslation("grants");
  const [open, setOpen] = useState(false);
  return (
    <Collapse
      size="small"
      style={{ marginTop: 12 }}
      onChange={(keys) => setOpen(keys.length > 0)}
      items={[{ key: "detail", label: t("details"), children: open && <Concerned grant={grant} /> }]}
    />
  );
}

function Concerned({ grant }: { grant: Grant }) {
  const { t } = useTranslation("grants");
  const format = useFormat();
  const query = useQuery({ queryKey: [...KEY, grant.grant], queryFn: () => readGrant(grant.grant) });
  return (
    <Asked query={query}>
      {({ residents = [], receipt }) => (
        <Flex vertical gap={12}>
          <Flex gap={16} align="center"><span>{t("looks")}: <strong className="numbers">{format.number(residents.reduce((sum, { looks }) => sum + looks, 0))}</strong></span><ReceiptTag receipt={receipt} /></Flex>
          <Table
            aria-label={t("residents")}
            rowKey="subject"
            size="small"
            virtual
            pagination={false}
            scroll={{ x: 420, y: 240 }}
            dataSource={residents}
            columns={[
              { key: "subject", title: t("resident"), width: 300, render: (_, { subject }) => <Typography.Text code>{subject}</Typography.Text> },
              { key: "looks", title: t("looksOf"), width: 100, align: "end", render: (_, { looks }) => <span className="numbers">{format.number(looks)}</span> },
            ]}
          />
          {["ended", "stopped"].includes(grant.state) && <Review grant={grant} />}
        </Flex>
      )}
    </Asked>
  );
}

function Review({ grant }: { grant: Grant }) {
  const { t } = useTranslation("grants");
  const [verdict, setVerdict] = useState<string>();
  const [reason, setReason] = useState("DUTY_CONFIRMED");
  const review = useAct((verdict: string) => reviewGrant(grant.grant, verdict, reason), t("reviewed"));
  return (
    <>
      <Space wrap>
        <Select aria-label={t("verdict")} placeholder={t("verdict")} value={verdict} onChange={setVerdict} style={{ minWidth: 140 }} options={["JUSTIFIED", "MISUSE", "UNCLEAR"].map((value) => ({ value, label: t(`verdicts.${value}`) }))} />
        <Select aria-label={t("reason")} value={reason} onChange={setReason} style={{ minWidth: 220 }} options={["DUTY_CONFIRMED", "CASE_FOUND", "NO_RELATION", "PATTERN", "OTHER"].map((value) => ({ value, label: t(`reasons.${value}`) }))} />
        <Button type="primary" disabled={!verdict} loading={review.isPending} onClick={() => verdict && review.mutate(verdict)}>{t("review")}</Button>
      </Space>
      {review.isError && <ProblemAlert error={review.error} />}
    </>
  );
}
