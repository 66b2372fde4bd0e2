/** What residents contest: a steward passes values on to their sources, decides about records, and answers. */
import { App, Button, Descriptions, Drawer, Flex, Form, Input, Radio, Segmented, Select, Tag, Typography } from "antd";
import { useState } from "react";
import { FocusBack } from "../../parts/focus";
import { useContestWords, type Contest } from "../../parts/contest/words";
import { Page, ReceiptTag } from "../../parts/Page";
import { short } from "../../parts/person/words";
import { StackedTable } from "../../parts/StackedTable";
import { Empty, Failed, Loading, ProblemAlert } from "../../parts/states";
import { Reasons } from "./Reasons";
import { useAnswer, useApart, useContests, type Answer, type ContestState } from "./questions";

const STATES = ["open", "upheld", "rejected"] as const;
const COLOURS: Record<string, string> = { open: "orange", upheld: "green", rejected: "default" };

export function Contests() {
  const { t, about, format } = useContestWords();
  const [state, setState] = useState<ContestState>("open");
  const [open, setOpen] = useState<Contest>();
  const query = useContests(state);
  const contests = query.data?.pages.flatMap(({ contests }) => contests) ?? [];
  return (
    <Page title={t("staff.title")} extra={<ReceiptTag receipt={query.data?.pages.at(-1)?.receipt} />}>
      <Typography.Paragraph className="measure" type="secondary">{t("staff.lead")}</Typography.Paragraph>
      <Segmented aria-label={t("staff.which")} value={state} onChange={setState} options={STATES.map((value) => ({ value, label: t(`staff.${value}`) }))} style={{ marginBottom: 12 }} />
      {query.isPending ? (
        <Loading />
      ) : query.isError ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : (
        <StackedTable
          aria-label={t("staff.title")}
          size="small"
          rowKey="contest_id"
          pagination={false}
          dataSource={contests}
          locale={{ emptyText: <Empty>{t("staff.none")}</Empty> }}
          columns={[
            { title: t("staff.made"), key: "made", width: 170, render: (_, { made }) => format.instant(made) },
            { title: t("staff.about"), key: "about", width: 240, render: (_, one) => about(one) },
            { title: t("staff.words"), dataIndex: "words", ellipsis: true },
            { title: t("staff.state"), key: "state", width: 110, render: (_, { state }) => <Tag color={COLOURS[state]}>{t(`staff.${state}`, { defaultValue: state })}</Tag> },
            { title: t("staff.decide"), key: "decide", width: 110, render: (_, one) => <Button size="small" onClick={() => setOpen(one)} data-contested={one.contest_id}>{t(one.state === "open" ? "staff.decide" : "staff.show")}</Button> },
          ]}
        />
      )}
      {query.hasNextPage && <Button style={{ marginTop: 8 }} loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t("more", { ns: "common" })}</Button>}
      <Drawer open={Boolean(open)} onClose={() => setOpen(undefined)} title={t("staff.one")} size="min(640px, 100vw)" destroyOnHidden>
        {open && <FocusBack />}
        {open && <One key={open.contest_id} contest={open} close={() => setOpen(undefined)} />}
      </Drawer>
    </Page>
  );
}

function One({ contest: one, close }: { contest: Contest; close: () => void }) {
  const { t, field, source, format } = useContestWords();
  return (
    <Flex vertical gap={16}>
      <Descriptions
        column={1}
        size="small"
        items={[
          { key: "about", label: t("staff.about"), children: one.field ? `${t("staff.value")}: ${field(one.field)}` : t("staff.link") },
          { key: "source", label: t("staff.source"), children: one.source ? source(one.source) : t("notTold") },
          ...(one.batch_id ? [{ key: "row", label: t("staff.row"), children: <Typography.Text copyable={{ text: `${one.batch_id} ${one.batch_row}` }}>{t("staff.rowOf", { row: one.batch_row, batch: short(one.batch_id) })}</Typography.Text> }] : []),
          { key: "record", label: t("staff.recordId"), children: <Typography.Text copyable={{ text: one.record_id }}>{short(one.record_id)}</Typography.Text> },
          ...(one.person_id ? [{ key: "person", label: t("staff.person"), children: <Typography.Text copyable={{ text: one.person_id }}>{short(one.person_id)}</Typography.Text> }] : []),
          { key: "made", label: t("staff.made"), children: format.instant(one.made) },
        ]}
      />
      <blockquote style={{ margin: 0, paddingInlineStart: 12, borderInlineStart: "3px solid currentColor" }}>{one.words}</blockquote>
      {one.field && one.stated_anew && <Typography.Text strong>{t("staff.statedAnew")}</Typography.Text>}
      {!one.field && <Beside contest={one} />}
      {one.state === "open" ? (
        <Decide id={one.contest_id} isLink={!one.field} done={close} />
      ) : (
        <div>
          <Tag color={COLOURS[one.state]}>{t(`staff.${one.state}`, { defaultValue: one.state })}</Tag> {format.instant(one.decided ?? "")} {one.by && t("staff.by", { handle: one.by })}
          {one.reason && <div>{t(`reason.${one.reason}`, { defaultValue: one.reason })}</div>}
          {one.note && <div>{one.note}</div>}
        </div>
      )}
    </Flex>
  );
}

/** The pairs that a decision takes the record out of the file by. */
function Beside({ contest: { record_id, beside = [], in_file, state } }: { contest: Contest }) {
  const { t } = useContestWords();
  const { message } = App.useApp();
  const [other, setOther] = useState<string>();
  const apart = useApart();
  if (!in_file) return <Typography.Text strong>{t("staff.notInFile")}</Typography.Text>;
  return (
    <div>
      <Typography.Text strong>{t("staff.beside")}</Typography.Text>
      <Typography.Paragraph type="secondary">{t("staff.besideLead")}</Typography.Paragraph>
      <ul className="plain-list">
        {beside.map((id) => (
          <li key={id}>
            <Typography.Text code>{short(record_id)}</Typography.Text> – <Typography.Text code>{short(id)}</Typography.Text>{" "}
            {state === "open" && <Button size="small" onClick={() => setOther(id)} data-apart={id}>{t("staff.apart")}</Button>}
          </li>
        ))}
      </ul>
      <Reasons
        what={other ? "DIFFERENT" : undefined}
        busy={apart.isPending}
        error={apart.error}
        onCancel={() => setOther(undefined)}
        onDecide={(why) =>
          apart.mutate(
            { ...why, record_a: record_id, record_b: other ?? "" },
            {
              onSuccess: () => {
                setOther(undefined);
                void message.success(t("staff.decidedApart"));
              },
            },
          )
        }
      />
    </div>
  );
}

function Decide({ id, isLink, done }: { id: string; isLink: boolean; done: () => void }) {
  const { t } = useContestWords();
  const { message } = App.useApp();
  const answer = useAnswer(id);
  const [form] = Form.useForm<Answer>();
  const verdict = Form.useWatch("verdict", form);
  const reasons = verdict === "UPHELD" ? [isLink ? "RECORD_MOVED" : "SOURCE_INFORMED", "OTHER"] : [isLink ? "RECORD_CONFIRMED" : "VALUE_CONFIRMED", "OTHER"];
  const send = (body: Answer) =>
    answer.mutate(body, {
      onSuccess: () => {
        void message.success(t("staff.done"));
        done();
      },
    });
  return (
    <Form form={form} layout="vertical" onFinish={send} data-answer>
      <Form.Item name="verdict" label={t("staff.verdict")} rules={[{ required: true, message: t("staff.verdictMissing") }]}>
        <Radio.Group onChange={() => form.resetFields(["reason"])}>
          <Radio value="UPHELD">{t("staff.uphold")}</Radio>
          <Radio value="REJECTED">{t("staff.reject")}</Radio>
        </Radio.Group>
      </Form.Item>
      <Form.Item name="reason" label={t("staff.reason")} rules={[{ required: true, message: t("staff.reasonMissing") }]}>
        <Select disabled={!verdict} options={reasons.map((value) => ({ value, label: t(`reason.${value}`) }))} />
      </Form.Item>
      <Form.Item name="note" label={t("staff.note")} extra={t("staff.noteHelp")}>
        <Input.TextArea rows={2} maxLength={300} />
      </Form.Item>
      {answer.isError && <div style={{ marginBottom: 12 }}><ProblemAlert error={answer.error} /></div>}
      <Button type="primary" htmlType="submit" loading={answer.isPending}>{t("staff.decide")}</Button>
    </Form>
  );
}
