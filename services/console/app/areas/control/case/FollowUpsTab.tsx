import { BellOutlined, WarningOutlined } from "@ant-design/icons";
import { Alert, App, Button, Checkbox, Popconfirm, Select, Table, Tag, Typography, type TableColumnsType } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ReceiptTag, Withheld } from "../../../parts/Page";
import { useFormat } from "../../../parts/format";
import { Empty, Failed, Loading, ProblemAlert } from "../../../parts/states";
import { FOLLOW_UP_STATES, type FollowUp, type FollowUpCounts } from "../model";
import { isAbsent, useFollowUps, useNotify, type FollowUpFilter } from "../questions";
import { FollowUpTag, NotThere, Figure, Figures, PersonLink } from "../words";
import { FollowUpDrawer } from "./FollowUpDrawer";

/** What became of telling the contacts: one follow-up for each contact and unit. */
export function FollowUpsTab({ id }: { id: string }) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  const [filter, setFilter] = useState<FollowUpFilter>({});
  const [open, setOpen] = useState<FollowUp>();
  const query = useFollowUps(id, filter);
  const first = query.data?.pages[0];
  const all = query.data?.pages.flatMap(({ follow_ups }) => follow_ups) ?? [];
  if (isAbsent(query.error)) return <NotThere />;
  return (
    <>
      <div className="control-bar">
        <Notify id={id} />
        <ReceiptTag receipt={first?.receipt} />
      </div>
      {first && <Counts counts={first.counts} />}
      <Withheld groups={first?.withheld} />
      {query.isPending ? (
        <Loading />
      ) : query.isError ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : first?.counts.total === 0 ? (
        <Empty>{t("followUps.none")}</Empty>
      ) : (
        <>
          <div className="control-bar">
            <Select
              aria-label={t("followUps.state")}
              placeholder={t("followUps.state")}
              allowClear
              style={{ minWidth: 180 }}
              value={filter.state}
              onChange={(state) => setFilter({ ...filter, state })}
              options={FOLLOW_UP_STATES.map((state) => ({ value: state, label: `${t(`followUpState.${state}`)} (${number(first?.counts[state])})` }))}
            />
            <Checkbox checked={filter.overdue ?? false} onChange={({ target }) => setFilter({ ...filter, overdue: target.checked })}>
              {t("followUps.onlyOverdue")}
            </Checkbox>
          </div>
          <List all={all} open={setOpen} />
          {query.hasNextPage && (
            <Button style={{ marginTop: 8 }} loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {t("more", { ns: "common" })}
            </Button>
          )}
        </>
      )}
      <FollowUpDrawer chosen={open} close={() => setOpen(undefined)} />
    </>
  );
}

/** Tells the communities of all contacts. It may be done again: whoever has a follow-up gets no second one. */
function Notify({ id }: { id: string }) {
  const { t } = useTranslation("control");
  const { message } = App.useApp();
  const { number } = useFormat();
  const notify = useNotify(id);
  const told = notify.data;
  const send = () => notify.mutate(undefined, { onSuccess: () => void message.success(t("notify.done")) });
  return (
    <>
      <Popconfirm title={t("notify.title")} description={<div style={{ maxWidth: 320 }}>{t("notify.what")}</div>} okText={t("notify.button")} cancelText={t("cancel", { ns: "common" })} onConfirm={send}>
        <Button type="primary" icon={<BellOutlined />} loading={notify.isPending}>
          {t("notify.button")}
        </Button>
      </Popconfirm>
      {notify.isError && <ProblemAlert error={notify.error} />}
      {told && (
        <Alert
          type={told.remaining > 0 || told.unassigned > 0 ? "warning" : "success"}
          showIcon
          title={t("notify.result", { contacts: number(told.contacts), created: number(told.created), known: number(told.known) })}
          description={
            <>
              {told.unassigned > 0 && <div>{t("notify.unassigned", { n: number(told.unassigned) })}</div>}
              {told.remaining > 0 && <div>{t("notify.remaining", { n: number(told.remaining) })}</div>}
              {told.left_out > 0 && <div>{t("notify.crowds", { n: number(told.left_out) })}</div>}
              {!told.applied && <div>{t("notify.later")}</div>}
              <ReceiptTag receipt={told.receipt} />
            </>
          }
        />
      )}
    </>
  );
}

function Counts({ counts }: { counts: FollowUpCounts }) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  return (
    <Figures>
      <Figure label={t("followUps.total")} value={number(counts.total)} />
      <Figure label={t("followUps.overdue")} value={number(counts.overdue)} tone={counts.overdue > 0 ? "alarm" : undefined} />
      {FOLLOW_UP_STATES.filter((state) => counts[state] > 0).map((state) => (
        <Figure key={state} label={t(`followUpState.${state}`)} value={number(counts[state])} />
      ))}
    </Figures>
  );
}

function List({ all, open }: { all: FollowUp[]; open: (one: FollowUp) => void }) {
  const { t } = useTranslation("control");
  const { instant } = useFormat();
  const columns: TableColumnsType<FollowUp> = [
    {
      title: t("case.person"),
      key: "person",
      width: 170,
      render: (_, { person_id, identity }) => (person_id ? <PersonLink id={person_id}>{identity?.name ?? undefined}</PersonLink> : t("followUps.nobody")),
    },
    { title: t("followUps.state"), key: "state", width: 150, render: (_, { state }) => <FollowUpTag state={state} /> },
    {
      title: t("followUps.unit"),
      key: "unit",
      width: 190,
      render: (_, { unit, offered_to }) => (
        <>
          {unit ?? <Typography.Text type="danger">{t("followUps.unassigned")}</Typography.Text>}
          {offered_to && <Tag>{t("followUps.offered", { unit: offered_to })}</Tag>}
        </>
      ),
    },
    {
      title: t("followUps.due"),
      key: "due",
      width: 240,
      render: (_, { due, due_for, overdue }) =>
        due ? (
          <Typography.Text type={overdue ? "danger" : undefined}>
            {overdue && <WarningOutlined />} {t(`dueFor.${due_for}`, { defaultValue: due_for })} · {instant(due)} {overdue && t("followUps.isOverdue")}
          </Typography.Text>
        ) : (
          "–"
        ),
    },
    { title: t("followUps.since"), key: "since", width: 180, render: (_, { since }) => instant(since) },
    { title: t("followUps.phone"), key: "phone", width: 150, render: (_, { contact }) => <span className="numbers">{contact?.phone ?? "–"}</span> },
    { title: t("followUps.history"), key: "history", width: 110, render: (_, one) => <Button size="small" onClick={() => open(one)}>{t("followUps.show")}</Button> },
  ];
  return (
    <Table aria-label={t("tab.follow-ups")} size="small" virtual rowKey="follow_up_id" scroll={{ x: 1190, y: 440 }} pagination={false} columns={columns} dataSource={all} locale={{ emptyText: <Empty>{t("followUps.noneSuch")}</Empty> }} />
  );
}
