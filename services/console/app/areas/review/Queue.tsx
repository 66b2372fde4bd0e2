/** The queue of a reviewer: one pair after the other, by keys. */
import { LeftOutlined, ReloadOutlined, RightOutlined, UndoOutlined, UnorderedListOutlined } from "@ant-design/icons";
import { App, Button, Card, Drawer, Flex, Grid, Modal, Select, Table, Typography } from "antd";
import type { TableRef } from "antd/es/table";
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Empty, Failed, Loading } from "../../parts/states";
import { usePersonWords } from "../../parts/person/words";
import { useDecide, useMine, useQueue, useUndo, type Reasoned, type Task } from "./questions";
import { Reasons, type What } from "./Reasons";
import { TaskFile } from "./TaskFile";
import "./review.css";

const KINDS = ["band", "held-apart", "runner-up", "loose-member", "orders-contradict", "order-joins-numbers"];
/** Pairs that are only passed by are not asked for: each look is on record. */
const PASS_BY_MS = 250;

export function Queue() {
  const { t } = useTranslation("review");
  const { message } = App.useApp();
  const wide = Grid.useBreakpoint().lg ?? true;
  const [kind, setKind] = useState<string>();
  const queue = useQueue(kind);
  const pages = queue.data?.pages;
  const tasks = useMemo(() => pages?.flatMap((page) => page.tasks) ?? [], [pages]);
  const [place, setPlace] = useState(0);
  const at = Math.min(place, Math.max(0, tasks.length - 1));
  const task = tasks[at];
  const settled = useSettled(task?.task_id);
  const mine = useMine();
  const decide = useDecide();
  const undo = useUndo();
  const [what, setWhat] = useState<What>();
  const [help, setHelp] = useState(false);
  const [list, setList] = useState(false);

  const go = (to: number) => {
    if (to >= tasks.length && queue.hasNextPage) void queue.fetchNextPage();
    setPlace(Math.max(0, Math.min(to, tasks.length - 1)));
  };
  const begin = (next: What) => {
    decide.reset();
    undo.reset();
    if (next === "undo" && mine.length === 0) void message.info(t("nothingToUndo"));
    else if (next === "undo" || task) setWhat(next);
  };
  const carryOut = (why: Reasoned) => {
    const last = mine.at(-1);
    const tell = (done: What) => ({
      onSuccess: (decided: { applied: boolean; counts_again?: { verdict: string } | null }) => {
        setWhat(undefined);
        const again = decided.counts_again && t("countsAgain", { verdict: t(decided.counts_again.verdict === "SAME" ? "same" : "different") });
        void message.success([t(`done.${done}`), t(decided.applied ? "applied" : "pending"), again].filter(Boolean).join(" "));
      },
    });
    if (what === "undo" && last) undo.mutate({ ...why, decision: last }, tell("undo"));
    else if (task && (what === "SAME" || what === "DIFFERENT")) decide.mutate({ ...why, task, verdict: what }, tell(what));
  };
  useKeys(!what && !help && !list, {
    j: () => go(at + 1),
    k: () => go(at - 1),
    s: () => begin("SAME"),
    d: () => begin("DIFFERENT"),
    u: () => begin("undo"),
    "?": () => setHelp(true),
  });

  const total = queue.hasNextPage ? t("ofMore", { count: tasks.length }) : tasks.length;
  const choose = (to: number) => {
    setPlace(to);
    setList(false);
  };
  const taskList = <TaskList tasks={tasks} at={at} onChoose={choose} more={queue.hasNextPage ? () => void queue.fetchNextPage() : undefined} loading={queue.isFetchingNextPage} />;
  return (
    <Page
      title={t("title")}
      extra={
        <Flex gap={8} wrap align="center">
          <Select
            allowClear
            aria-label={t("kindFilter")}
            placeholder={t("kindAll")}
            value={kind}
            onChange={(next) => {
              setKind(next);
              setPlace(0);
            }}
            options={KINDS.map((code) => ({ value: code, label: t(`kind.${code}`) }))}
            style={{ minWidth: 180 }}
          />
          <Button aria-label={t("refresh")} title={t("refresh")} icon={<ReloadOutlined />} loading={queue.isRefetching} onClick={() => void queue.refetch()} />
          {!wide && tasks.length > 0 && (
            <Button icon={<UnorderedListOutlined />} onClick={() => setList(true)}>
              {t("list")}
            </Button>
          )}
          <ReceiptTag receipt={pages?.at(-1)?.receipt} />
        </Flex>
      }
    >
      <Withheld of="list-reviews" groups={pages?.[0]?.withheld} />
      {queue.isPending && <Loading />}
      {queue.isError && <Failed error={queue.error} retry={() => void queue.refetch()} />}
      {pages && tasks.length === 0 && <Empty>{t(kind ? "noneOfKind" : "none")}</Empty>}
      {task && (
        <div className={wide ? "review-layout" : undefined}>
          {wide && (
            <Card size="small" styles={{ body: { padding: 0 } }} title={<h2 className="section-title">{t("open")}</h2>} extra={<Typography.Text type="secondary">{total}</Typography.Text>}>
              {taskList}
            </Card>
          )}
          <div style={{ minWidth: 0 }}>
            <Typography.Text type="secondary" aria-live="polite" data-position>
              {t("position", { at: at + 1, of: total })}
            </Typography.Text>
            {settled === task.task_id ? <TaskFile task={task} /> : <Loading />}
            <div className="review-bar" role="toolbar" aria-label={t("keys")}>
              <Button type="primary" onClick={() => begin("SAME")}>
                {t("same")} <kbd aria-hidden>S</kbd>
              </Button>
              <Button onClick={() => begin("DIFFERENT")}>
                {t("different")} <kbd aria-hidden>D</kbd>
              </Button>
              <Button className="third" icon={<UndoOutlined />} disabled={mine.length === 0} onClick={() => begin("undo")} title={t("undoLast")}>
                {t("undo")} <kbd aria-hidden>U</kbd>
              </Button>
              <span className="space" />
              <Button className="third" icon={<LeftOutlined />} disabled={at === 0} onClick={() => go(at - 1)}>
                {t("previous")} <kbd aria-hidden>K</kbd>
              </Button>
              <Button className="third" icon={<RightOutlined />} iconPlacement="end" disabled={at >= tasks.length - 1 && !queue.hasNextPage} onClick={() => go(at + 1)}>
                {t("next")} <kbd aria-hidden>J</kbd>
              </Button>
              <Button className="keys-button" type="text" onClick={() => setHelp(true)}>
                {t("keys")} <kbd aria-hidden>?</kbd>
              </Button>
            </div>
          </div>
        </div>
      )}
      <Drawer open={list} placement="left" title={t("open")} onClose={() => setList(false)} styles={{ body: { padding: 0 } }}>
        {taskList}
      </Drawer>
      <Reasons what={what} busy={decide.isPending || undo.isPending} error={decide.error ?? undo.error} onDecide={carryOut} onCancel={() => setWhat(undefined)} />
      <KeysHelp open={help} close={() => setHelp(false)} />
    </Page>
  );
}

function TaskList({ tasks, at, onChoose, more, loading }: { tasks: Task[]; at: number; onChoose: (to: number) => void; more?: () => void; loading: boolean }) {
  const { t } = useTranslation("review");
  const { bits, part, level } = usePersonWords();
  const table = useRef<TableRef>(null);
  const key = tasks[at]?.task_id;
  useEffect(() => {
    if (key) table.current?.scrollTo({ key });
  }, [key]);
  return (
    <>
      <Table
        ref={table}
        virtual
        size="small"
        aria-label={t("open")}
        showHeader={false}
        rowKey="task_id"
        pagination={false}
        dataSource={tasks}
        scroll={{ y: 600, x: 300 }}
        rowClassName={(task) => `review-row${task.task_id === key ? " chosen" : ""}`}
        onRow={(_, index) => ({ onClick: () => onChoose(index ?? 0) })}
        columns={[
          {
            title: t("open"),
            render: (_, task) => (
              <button type="button" className="review-task" aria-current={task.task_id === key} data-task={task.task_id}>
                <span>{t(`kind.${task.kind}`, { defaultValue: task.kind })}</span>
                <span className="weight">{bits(task.weight)}</span>
                <span className="mark quiet">
                  {task.parts
                    .filter((one) => one.field !== "prior" && one.field !== "kinship")
                    .map((one) => `${part(one.field)} ${level(one.level)}`)
                    .join(" · ")}
                </span>
              </button>
            ),
          },
        ]}
      />
      {more && (
        <Button block type="text" onClick={more} loading={loading}>
          {t("more")}
        </Button>
      )}
    </>
  );
}

function KeysHelp({ open, close }: { open: boolean; close: () => void }) {
  const { t } = useTranslation("review");
  const keys: [string, string][] = [
    ["J", "j"],
    ["K", "k"],
    ["S", "s"],
    ["D", "d"],
    ["U", "u"],
    ["1 … 7", "digits"],
    ["↵", "enter"],
    ["Esc", "escape"],
    ["?", "help"],
  ];
  return (
    <Modal open={open} title={t("keysHelp.title")} onCancel={close} footer={null}>
      <dl className="keys-list">
        {keys.map(([key, word]) => (
          <div key={key} style={{ display: "contents" }}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{t(`keysHelp.${word}`)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}

/** Single keys, unless somebody writes or another key is held. */
function useKeys(on: boolean, keys: Record<string, () => void>) {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    if (!on) return;
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      if (event.ctrlKey || event.metaKey || event.altKey || target?.closest("input, textarea, select, [contenteditable], [role=combobox]")) return;
      const act = latest.current[event.key.toLowerCase()];
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [on]);
}

/** A value once it has stayed the same for a moment; the first at once. */
function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  const first = useRef(true);
  useEffect(() => {
    if (first.current && value !== undefined) {
      first.current = false;
      setSettled(value);
      return;
    }
    const timer = setTimeout(() => setSettled(value), PASS_BY_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return useDeferredValue(settled);
}
