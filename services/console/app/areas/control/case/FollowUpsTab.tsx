import { BellOutlined } from "@ant-design/icons";
import { Alert, App, Button, Checkbox, Popconfirm, Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ReceiptTag, Withheld } from "../../../parts/Page";
import { useFormat } from "../../../parts/format";
import { Empty, Failed, Loading, ProblemAlert } from "../../../parts/states";
import { FOLLOW_UP_STATES, type FollowUpCounts } from "../model";
import { isAbsent, useContactsShown, useFollowUps, useNotify, type FollowUpFilter, type Stretch } from "../questions";
import { NotThere, Figure, Figures } from "../words";
import { FollowUpList } from "./FollowUpList";

/** What became of telling the contacts: one follow-up for each contact and unit. */
export function FollowUpsTab({ id, person, stretch }: { id: string; person: string; stretch?: Stretch }) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  const [filter, setFilter] = useState<FollowUpFilter>({});
  const query = useFollowUps(id, filter);
  const first = query.data?.pages[0];
  const all = query.data?.pages.flatMap(({ follow_ups }) => follow_ups) ?? [];
  if (isAbsent(query.error)) return <NotThere />;
  return (
    <>
      <Notify id={id} person={person} stretch={stretch} without={first?.contacts_without} receipt={first?.receipt} />
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

/** So many contacts are asked for a second time. */
const MANY = 100;

interface Notifying {
  id: string;
  person: string;
  stretch?: Stretch;
  /** Contacts that have no follow-up yet, where it can be told. */
  without?: number;
  receipt?: { id: string };
}

/** Tells the communities of all contacts. It may be done again: whoever has a follow-up gets no second one. */
function Notify({ id, person, stretch, without, receipt }: Notifying) {
  const { t } = useTranslation("control");
  const { message, modal } = App.useApp();
  const { number } = useFormat();
  const notify = useNotify(id);
  const told = notify.data;
  const send = () => notify.mutate(undefined, { onSuccess: () => void message.success(t("notify.done")) });
  const confirm = () => {
    if (!without || without <= MANY) return send();
    const n = number(without);
    modal.confirm({ title: t("notify.again", { n }), content: t("notify.againWhat"), okText: t("notify.againButton", { n }), cancelText: t("cancel", { ns: "common" }), onOk: send });
  };
  const shown = useContactsShown(person, stretch);
  const near = shown.filter(({ meetings }) => meetings.some(({ scene }) => scene === "dwelling" || scene === "ward" || scene === "vehicle")).length;
  const what = (
    <div style={{ maxWidth: 320 }}>
      <p style={{ margin: 0 }}>
        <strong>{without === undefined ? t("notify.howManyUnknown") : t("notify.howMany", { count: without, n: number(without) })}</strong>{" "}
        {shown.length > 0 ? t("notify.near", { of: number(shown.length), near: number(near), square: number(shown.length - near) }) : t("notify.nearUnknown")}
      </p>
      <p style={{ margin: "8px 0 0" }}>{t("notify.what")}</p>
    </div>
  );
  return (
    <>
      <div className="control-bar">
        <Popconfirm title={t("notify.title")} description={what} okText={t("notify.button")} cancelText={t("cancel", { ns: "common" })} onConfirm={confirm}>
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
