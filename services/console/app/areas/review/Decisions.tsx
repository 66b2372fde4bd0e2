/** What was decided, with what became of it; each decision can be taken back. */
import { App, Button, Select, Table, Tag, Tooltip, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Empty, Failed, Loading } from "../../parts/states";
import { short, usePersonWords } from "../../parts/person/words";
import { useDecisions, useUndo, type Decision, type Reasoned } from "./questions";
import { Reasons } from "./Reasons";
import "./review.css";

const STATES = ["in-force", "resting", "set-aside", "replaced", "ended"];
const COLOURS: Record<string, string> = { "in-force": "green", resting: "default", "set-aside": "orange", replaced: "default", ended: "default", pending: "blue" };

export function Decisions() {
  const { t } = useTranslation("review");
  const { format } = usePersonWords();
  const { message } = App.useApp();
  const [state, setState] = useState<string>();
  const [undoing, setUndoing] = useState<Decision>();
  const decisions = useDecisions(state);
  const undo = useUndo();
  const pages = decisions.data?.pages;
  const rows = pages?.flatMap((page) => page.decisions) ?? [];
  const takeBack = (why: Reasoned) => {
    if (!undoing) return;
    undo.mutate(
      { ...why, decision: undoing },
      {
        onSuccess: (decided) => {
          setUndoing(undefined);
          void message.success(`${t("done.undo")} ${t(decided.applied ? "applied" : "pending")}`);
        },
      },
    );
  };
  return (
    <Page
      title={t("decisionsTitle")}
      extra={
        <>
          <Select allowClear aria-label={t("stateFilter")} placeholder={t("stateAll")} value={state} onChange={setState} options={STATES.map((code) => ({ value: code, label: t(`state.${code}`) }))} style={{ minWidth: 160 }} />
          <ReceiptTag receipt={pages?.at(-1)?.receipt} />
        </>
      }
    >
      <Withheld of="read-decisions" groups={pages?.[0]?.withheld} />
      {decisions.isPending && <Loading />}
      {decisions.isError && <Failed error={decisions.error} retry={() => void decisions.refetch()} />}
      {pages && rows.length === 0 && <Empty>{t("noDecisions")}</Empty>}
      {rows.length > 0 && (
        <Table
          aria-label={t("decisionsTitle")}
          rowKey={(row) => `${row.decision_id} ${row.version}`}
          pagination={false}
          size="middle"
          virtual
          scroll={{ y: 600, x: 980 }}
          dataSource={rows}
          columns={[
            { title: t("column.verdict"), width: 130, render: (_, row) => <strong>{t(row.verdict === "SAME" ? "same" : "different")}</strong> },
            {
              title: t("column.state"),
              width: 120,
              render: (_, row) => (
                <Tooltip title={t(`stateHelp.${row.state}`, { defaultValue: "" })}>
                  <Tag color={COLOURS[row.state]} tabIndex={0} data-state={row.state}>
                    {t(`state.${row.state}`, { defaultValue: row.state })}
                  </Tag>
                </Tooltip>
              ),
            },
            {
              title: t("column.reason"),
              render: (_, row) => (
                <>
                  {t(`reason.${row.reason}`, { defaultValue: row.reason })}
                  {row.note && <div className="mark quiet">{row.note}</div>}
                  {row.contradicts.length > 0 && <div className="mark differs">{t("contradicts", { count: row.contradicts.length })}</div>}
                </>
              ),
            },
            {
              title: t("column.records"),
              width: 170,
              render: (_, row) => (
                <Typography.Text code style={{ fontSize: 12 }}>
                  {short(row.record_a)} {short(row.record_b)}
                </Typography.Text>
              ),
            },
            {
              title: t("column.decided"),
              width: 190,
              render: (_, row) => (
                <>
                  {format.instant(row.decided)}
                  <div className="mark quiet">{t("version", { version: row.version })}</div>
                </>
              ),
            },
            { title: t("column.reviewer"), width: 140, dataIndex: "reviewer" },
            {
              title: t("column.action"),
              width: 100,
              render: (_, row) =>
                row.state !== "ended" && (
                  <Button
                    size="small"
                    onClick={() => {
                      undo.reset();
                      setUndoing(row);
                    }}
                    data-undo={row.decision_id}
                  >
                    {t("undo")}
                  </Button>
                ),
            },
          ]}
        />
      )}
      {decisions.hasNextPage && (
        <Button style={{ marginTop: 12 }} loading={decisions.isFetchingNextPage} onClick={() => void decisions.fetchNextPage()}>
          {t("more")}
        </Button>
      )}
      <Reasons what={undoing && "undo"} busy={undo.isPending} error={undo.error} onDecide={takeBack} onCancel={() => setUndoing(undefined)} />
    </Page>
  );
}
