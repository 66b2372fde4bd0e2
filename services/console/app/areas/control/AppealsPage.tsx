import { App, Button, Drawer, Form, Input, Radio, Segmented, Select, Tag, Typography } from "antd";
import { CheckCircleOutlined, ClockCircleOutlined, CloseCircleOutlined } from "@ant-design/icons";
import { useState } from "react";
import { FocusBack } from "../../parts/focus";
import { StackedTable } from "../../parts/StackedTable";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { Empty, Failed, Loading, ProblemAlert } from "../../parts/states";
import { PersonStrip } from "./case/PersonStrip";
import { HealthCode } from "./HealthCode";
import { APPEAL_REASONS, type Appeal, type AppealState, type Verdict } from "./model";
import { AskNames } from "./names";
import { isAbsent, useAppeals, useDecide, type Decision } from "./questions";
import { Clocked } from "./Clock";
import { iso } from "./time";
import { NotThere, PersonLink } from "./words";

const STATES: (AppealState | "all")[] = ["open", "upheld", "rejected", "all"];

/** Residents who say that their code is wrong. */
export function AppealsPage() {
  const { t } = useTranslation("control");
  const { instant } = useFormat();
  const [state, setState] = useState<AppealState | "all">("open");
  const [open, setOpen] = useState<Appeal>();
  const query = useAppeals(state === "all" ? undefined : state);
  const appeals = query.data?.pages.flatMap(({ appeals }) => appeals) ?? [];
  return (
    <Page title={t("appeals.title")} extra={<ReceiptTag receipt={query.data?.pages[0]?.receipt} />}>
      {isAbsent(query.error) ? (
        <NotThere />
      ) : (
        <>
          <div className="control-bar">
            <Segmented aria-label={t("appeals.which")} value={state} onChange={setState} options={STATES.map((value) => ({ value, label: t(`appeals.${value}`) }))} />
            <AskNames ids={appeals.flatMap(({ person_id }) => person_id ?? [])} />
          </div>
          {query.isPending ? (
            <Loading />
          ) : query.isError ? (
            <Failed error={query.error} retry={() => void query.refetch()} />
          ) : (
            <>
              <StackedTable
                aria-label={t("appeals.title")}
                size="small"
                virtual={appeals.length > 50}
                rowKey="appeal_id"
                scroll={{ x: 900, y: appeals.length > 12 ? 520 : undefined }}
                pagination={false}
                dataSource={appeals}
                locale={{ emptyText: <Empty>{t("appeals.none")}</Empty> }}
                columns={[
                  { title: t("appeals.made"), dataIndex: "made", width: 180, render: (at: string) => instant(at) },
                  { title: t("case.person"), key: "person", width: 150, render: (_, { person_id }) => (person_id ? <PersonLink id={person_id} /> : "–") },
                  { title: t("appeals.words"), dataIndex: "words", ellipsis: true, width: 300 },
                  { title: t("followUps.state"), key: "state", width: 130, render: (_, one) => <AppealTag state={one.state} /> },
                  { title: t("appeals.decide"), key: "decide", width: 140, render: (_, one) => <Button size="small" onClick={() => setOpen(one)}>{t(one.state === "open" ? "appeals.decide" : "followUps.show")}</Button> },
                ]}
              />
              {query.hasNextPage && (
                <Button style={{ marginTop: 8 }} loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  {t("more", { ns: "common" })}
                </Button>
              )}
            </>
          )}
        </>
      )}
      <Drawer open={Boolean(open)} onClose={() => setOpen(undefined)} title={t("appeals.one")} size="min(760px, 100vw)" destroyOnHidden>
        {open && <FocusBack />}
        {open && <One key={open.appeal_id} appeal={open} close={() => setOpen(undefined)} />}
      </Drawer>
    </Page>
  );
}

function AppealTag({ state }: { state: AppealState }) {
  const { t } = useTranslation("control");
  const signs = { open: ["orange", <ClockCircleOutlined key="o" />], upheld: ["green", <CheckCircleOutlined key="u" />], rejected: ["default", <CloseCircleOutlined key="r" />] } as const;
  const [colour, icon] = signs[state] ?? ["default", null];
  return (
    <Tag color={colour} icon={icon}>
      {t(`appeals.${state}`, { defaultValue: state })}
    </Tag>
  );
}

/** What the resident says beside what the code is made of, and the decision. */
function One({ appeal, close }: { appeal: Appeal; close: () => void }) {
  const { t } = useTranslation("control");
  const { instant } = useFormat();
  const { person_id, words, made, state, decided, by, reason, note } = appeal;
  return (
    <>
      {person_id && <PersonStrip person={person_id} />}
      <h3 className="control-h2">{t("appeals.says", { at: instant(made) })}</h3>
      <blockquote className="control-quote">{words || t("appeals.noWords")}</blockquote>
      {state === "open" ? (
        <Decide id={appeal.appeal_id} done={close} />
      ) : (
        <Typography.Paragraph>
          <AppealTag state={state} /> {decided && instant(decided)} {reason && `· ${t(`appealReason.${reason}`, { defaultValue: reason })}`} {by && `· ${by}`}
          {note && <div>{note}</div>}
        </Typography.Paragraph>
      )}
      {person_id && (
        <>
          <h3 className="control-h2" style={{ margin: "16px 0 8px" }}>
            {t("code.title")}
          </h3>
          <Clocked>{(now) => <HealthCode person={person_id} on={iso(now)} />}</Clocked>
        </>
      )}
    </>
  );
}

function Decide({ id, done }: { id: string; done: () => void }) {
  const { t } = useTranslation("control");
  const { message } = App.useApp();
  const decide = useDecide(id);
  const [form] = Form.useForm<Decision>();
  const verdict: Verdict | undefined = Form.useWatch("verdict", form);
  const send = (decision: Decision) =>
    decide.mutate(decision, {
      onSuccess: () => {
        void message.success(t("appeals.done"));
        done();
      },
    });
  return (
    <Form form={form} layout="vertical" onFinish={send}>
      <Form.Item name="verdict" label={t("appeals.verdict")} rules={[{ required: true, message: t("appeals.verdictMissing") }]}>
        <Radio.Group onChange={() => form.resetFields(["reason"])}>
          <Radio value="UPHELD">{t("appeals.uphold")}</Radio>
          <Radio value="REJECTED">{t("appeals.reject")}</Radio>
        </Radio.Group>
      </Form.Item>
      <Form.Item name="reason" label={t("appeals.reason")} rules={[{ required: true, message: t("appeals.reasonMissing") }]}>
        <Select disabled={!verdict} options={(verdict ? APPEAL_REASONS[verdict] : []).map((value) => ({ value, label: t(`appealReason.${value}`) }))} />
      </Form.Item>
      <Form.Item name="note" label={t("appeals.note")} extra={t("appeals.noteHelp")}>
        <Input.TextArea rows={2} maxLength={300} />
      </Form.Item>
      {decide.isError && <ProblemAlert error={decide.error} />}
      <Button type="primary" htmlType="submit" loading={decide.isPending}>
        {t("appeals.send")}
      </Button>
    </Form>
  );
}
