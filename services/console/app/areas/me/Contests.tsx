/** A resident contests a value or a record of the own file, and sees what became of it. */
import { FlagOutlined } from "@ant-design/icons";
import { App, Button, Card, Form, Input, Modal, Tag, Typography } from "antd";
import { useState, type ReactNode } from "react";
import { useContestWords } from "../../parts/contest/words";
import { ProblemAlert } from "../../parts/states";
import { useContestFile, useContests } from "./questions";

interface Doubt {
  /** The hub's name of the value; without it, it is the record itself. */
  field?: string;
  record: string;
  /** What is contested, in words. */
  what: ReactNode;
  /** The same for a screen reader. */
  label: string;
}

/** Stands beside what can be contested. */
export function ContestButton(doubt: Doubt) {
  const { t } = useContestWords();
  const [open, setOpen] = useState(false);
  const contests = useContests().data?.contests ?? [];
  const is = contests.some((one) => one.state === "open" && one.record_id === doubt.record && (one.field ?? undefined) === doubt.field);
  if (is) return <Tag color="orange" icon={<FlagOutlined />}>{t("open")}</Tag>;
  return (
    <>
      <Button size="small" type="link" icon={<FlagOutlined />} aria-label={t("contestValue", { what: doubt.label })} onClick={() => setOpen(true)} data-contest-file={doubt.field ?? "link"}>
        {t("contest")}
      </Button>
      <ContestForm doubt={doubt} open={open} close={() => setOpen(false)} />
    </>
  );
}

function ContestForm({ doubt: { field, record, what }, open, close }: { doubt: Doubt; open: boolean; close: () => void }) {
  const { t } = useContestWords();
  const { message } = App.useApp();
  const contest = useContestFile();
  const kind = field ? "value" : "link";
  const send = ({ words }: { words: string }) =>
    contest.mutate(
      { record_id: record, words: words.trim(), ...(field && { field }) },
      {
        onSuccess: () => {
          void message.success(t("sent"));
          close();
        },
      },
    );
  return (
    <Modal open={open} title={t(`title.${kind}`)} footer={null} onCancel={close} destroyOnHidden>
      <Typography.Paragraph strong>{what}</Typography.Paragraph>
      <Typography.Paragraph type="secondary">{t(`lead.${kind}`)}</Typography.Paragraph>
      <Form layout="vertical" onFinish={send}>
        <Form.Item name="words" label={t("words")} rules={[{ required: true, whitespace: true, message: t("wordsMissing") }]}>
          <Input.TextArea rows={3} maxLength={1000} showCount />
        </Form.Item>
        {contest.isError && <div style={{ marginBottom: 12 }}><ProblemAlert error={contest.error} /></div>}
        <Button type="primary" htmlType="submit" loading={contest.isPending}>{t("send")}</Button>
      </Form>
    </Modal>
  );
}

const COLOURS = { open: "orange", upheld: "green", rejected: "default" } as const;

/** Everything that was contested, with the answers. */
export function MyContests() {
  const { t, about, format } = useContestWords();
  const { data, isError, error } = useContests();
  if (isError) return <ProblemAlert error={error} />;
  if (!data || data.contests.length === 0) return null;
  return (
    <Card size="small" title={<h2 className="section-title">{t("mine")}</h2>} style={{ marginTop: 16 }}>
      <ul className="plain-list" data-contests={data.contests.length}>
        {data.contests.toReversed().map((one) => (
          <li key={one.contest_id}>
            <Tag color={COLOURS[one.state as keyof typeof COLOURS]} data-state={one.state}>{t(`state.${one.state}`, { defaultValue: one.state })}</Tag>
            <strong>{about(one)}</strong>
            <div>{one.words}</div>
            <div className="mark quiet">
              {t("made", { time: format.instant(one.made) })}
              {one.decided && ` · ${t("decided", { time: format.instant(one.decided) })}`}
            </div>
            {one.reason && <div>{t(`reason.${one.reason}`, { defaultValue: one.reason })}</div>}
            {one.note && <div>{one.note}</div>}
            {one.field && one.stated_anew && <div>{t("statedAnew")}</div>}
            {!one.field && !one.in_file && <div>{t("gone")}</div>}
          </li>
        ))}
      </ul>
    </Card>
  );
}
