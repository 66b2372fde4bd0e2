import { BellOutlined } from "@ant-design/icons";
import { Alert, App, Button, Checkbox, Popconfirm, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ReceiptTag, Withheld } from "../../../parts/Page";
import { useFormat } from "../../../parts/format";
import { Empty, Failed, Loading, ProblemAlert } from "../../../parts/states";
import { FOLLOW_UP_STATES, type FollowUpCounts } from "../model";
import { isAbsent, useFollowUps, useNotify, type FollowUpFilter } from "../questions";
import { NotThere, Figure, Figures } from "../words";
import { FollowUpList } from "./FollowUpList";

/** What became of telling the contacts: one follow-up for each contact and unit. */
export function FollowUpsTab({ id }: { id: string }) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  const [filter, setFilter] = useState<FollowUpFilter>({});
  const query = useFollowUps(id, filter);
  const first = query.data?.pages[0];
  const all = query.data?.pages.flatMap(({ follow_ups }) => follow_ups) ?? [];
  if (isAbsent(query.error)) return <NotThere />;
  return (
    <>
      <Notify id={id} receipt={first?.receipt} />
      {Boolean(first?.contacts_without) && <Alert type="warning" showIcon style={{ marginBottom: 16 }} title={t("followUps.without", { n: number(first?.contacts_without) })} />}
      {first && <Counts counts={first.counts} />}
      <Withheld of="read-follow-ups" groups={first?.withheld} />
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
          <FollowUpList all={all} />
          {query.hasNextPage && (
            <Button style={{ marginTop: 8 }} loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {t("more", { ns: "common" })}
            </Button>
          )}
        </>
      )}
    </>
  );
}

/** Tells the communities of all contacts. It may be done again: whoever has a follow-up gets no second one. */
function Notify({ id, receipt }: { id: string; receipt?: { id: string } }) {
  const { t } = useTranslation("control");
  const { message } = App.useApp();
  const { number } = useFormat();
  const notify = useNotify(id);
  const told = notify.data;
  const send = () => notify.mutate(undefined, { onSuccess: () => void message.success(t("notify.done")) });
  return (
    <>
      <div className="control-bar">
        <Popconfirm title={t("notify.title")} description={<div style={{ maxWidth: 320 }}>{t("notify.what")}</div>} okText={t("notify.button")} cancelText={t("cancel", { ns: "common" })} onConfirm={send}>
          <Button type="primary" icon={<BellOutlined />} loading={notify.isPending}>
            {t("notify.button")}
          </Button>
        </Popconfirm>
        <ReceiptTag receipt={receipt} />
      </div>
      {notify.isError && <ProblemAlert error={notify.error} />}
      {told && (
        <Alert
          type={told.remaining > 0 || told.unassigned > 0 ? "warning" : "success"}
          showIcon
          style={{ marginBottom: 16 }}
          title={t("notify.result", { contacts: number(told.contacts), created: number(told.created), known: number(told.known) })}
          description={
            <>
              {told.unassigned > 0 && <div>{t("notify.unassigned", { n: number(told.unassigned) })}</div>}
              {told.met_again > 0 && <div>{t("notify.metAgain", { n: number(told.met_again) })}</div>}
              {told.remaining > 0 && <div>{t("notify.remaining", { n: number(told.remaining) })}</div>}
              {told.left_out > 0 && <div>{t("notify.crowds", { count: told.left_out, n: number(told.left_out) })}</div>}
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
