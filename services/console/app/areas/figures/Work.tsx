import { PlusOutlined, ReloadOutlined } from "@ant-design/icons";
import { App, Button, Card, Flex, Form, Input, Popconfirm, Select, Steps, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { Asked, Empty, ProblemAlert } from "../../parts/states";
import { useSignedIn } from "../../session/session";
import { DIVISION_FORM, KINDS, useDraft, useEdit, useFigures, useRelease, useVerify, type Figure } from "./ask";
import { FigureTable } from "./FigureTable";

const STEPS = ["DRAFTED", "VERIFIED", "EDITED", "RELEASED"] as const;
/** Longer runs of digits could be a person's number. */
const NO_NUMBER = /^(?!.*\d{9})/s;

/** A figure from its draft to its release, by several people. What the visitor may do next is offered; the hub decides. */
export function Work() {
  const { t } = useTranslation("figures");
  const query = useFigures();
  const [drafting, setDrafting] = useState(false);
  return (
    <Page
      title={t("work.title")}
      extra={
        <Flex gap={8} align="center" wrap>
          <ReceiptTag receipt={query.data?.receipt} />
          <Button size="small" icon={<ReloadOutlined />} loading={query.isFetching} onClick={() => void query.refetch()} aria-label={t("retry", { ns: "common" })} />
          {!drafting && <Button type="primary" icon={<PlusOutlined />} onClick={() => setDrafting(true)}>{t("work.draft")}</Button>}
        </Flex>
      }
    >
      <Typography.Paragraph type="secondary" className="figure-note">{t("work.lead")}</Typography.Paragraph>
      {drafting && <Draft figures={query.data?.figures ?? []} close={() => setDrafting(false)} />}
      <Asked query={query}>
        {({ figures }) => {
          const waiting = figures.filter(({ state }) => state !== "released");
          const done = figures.filter(({ state }) => state === "released");
          return (
            <>
              <h2 style={{ fontSize: 16 }}>{t("work.waiting")} ({waiting.length})</h2>
              {waiting.length === 0 ? <Empty>{t("work.none")}</Empty> : <Cards figures={waiting} />}
              {done.length > 0 && <h2 style={{ fontSize: 16 }}>{t("work.done")} ({done.length})</h2>}
              <Cards figures={done} />
            </>
          );
        }}
      </Asked>
    </Page>
  );
}

function Draft({ figures, close }: { figures: Figure[]; close: () => void }) {
  const { t } = useTranslation("figures");
  const { message } = App.useApp();
  const [form] = Form.useForm<{ kind: string; rows: string[] }>();
  const kind = Form.useWatch("kind", form) ?? KINDS[0];
  const draft = useDraft();
  // The list begins with the newest.
  const first = figures.filter((one) => one.kind === kind && one.state === "released").at(-1);
  const known = [...new Set(figures.flatMap(({ rows }) => rows))];
  const send = (body: { kind: string; rows: string[] }) =>
    draft.mutate(body, {
      onSuccess: () => {
        void message.success(t("form.made"));
        close();
      },
    });
  return (
    <Card size="small" style={{ marginBottom: 16 }} title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("work.draft")}</h2>}>
      <Form form={form} layout="vertical" onFinish={send} initialValues={{ kind: KINDS[0], rows: [] }} style={{ maxWidth: 640 }}>
        <Form.Item name="kind" label={t("form.kind")}>
          <Select options={KINDS.map((value) => ({ value, label: t(`kind.${value}`) }))} />
        </Form.Item>
        <Form.Item
          name="rows"
          label={t("form.rows")}
          extra={t("form.rowsHelp")}
          rules={[{ validator: (_, rows: string[]) => (isOneLevel(rows) ? Promise.resolve() : Promise.reject(new Error(t("form.rowsWrong")))) }]}
        >
          <Select mode="tags" tokenSeparators={[",", "，", " ", ";", "；", "\n"]} maxCount={200} options={known.map((value) => ({ value }))} />
        </Form.Item>
        {first && (
          <Button size="small" style={{ marginBottom: 16 }} onClick={() => form.setFieldsValue({ rows: first.rows })}>
            {t("form.asBefore")}
          </Button>
        )}
        {draft.isError && <div style={{ marginBottom: 16 }}><ProblemAlert error={draft.error} /></div>}
        <Flex gap={8}>
          <Button type="primary" htmlType="submit" loading={draft.isPending}>{t("form.make")}</Button>
          <Button onClick={close}>{t("cancel", { ns: "common" })}</Button>
        </Flex>
      </Form>
    </Card>
  );
}

const isOneLevel = (rows: string[]) => rows.length > 0 && rows.every((row) => DIVISION_FORM.test(row) && row.length === rows[0]?.length);

function Cards({ figures }: { figures: Figure[] }) {
  const { t } = useTranslation("figures");
  return (
    <Flex vertical gap={16}>
      {figures.map((figure) => (
        <Card
          key={figure.figure}
          size="small"
          data-figure={figure.state}
          title={<h3 style={{ fontSize: 16, margin: 0 }}>{figure.title ?? t(`kind.${figure.kind}`, { defaultValue: figure.kind })}</h3>}
          extra={<Tag color={figure.state === "released" ? "green" : "gold"}>{t(`state.${figure.state}`, { defaultValue: figure.state })}</Tag>}
        >
          <Way figure={figure} />
          {figure.note && <p className="figure-note">{figure.note}</p>}
          {figure.state === "drafted" ? <Question figure={figure} /> : <FigureTable figure={figure} />}
          {figure.state !== "released" && <Next figure={figure} />}
        </Card>
      ))}
    </Flex>
  );
}

/** What a draft would count: whoever verifies it decides by that, and nobody has seen a number yet. */
function Question({ figure }: { figure: Figure }) {
  const { t } = useTranslation("figures");
  return (
    <>
      <p className="figure-note" data-rows={figure.rows.length}>{t("form.rows")}: {figure.rows.join(", ")}</p>
      <Typography.Text type="secondary">{t("table.waiting")}</Typography.Text>
    </>
  );
}

/** Who did what; steps that are open say so. */
function Way({ figure }: { figure: Figure }) {
  const { t } = useTranslation("figures");
  const format = useFormat();
  const steps = figure.steps ?? [];
  return (
    <Steps
      size="small"
      current={steps.length}
      style={{ marginBottom: 12 }}
      items={STEPS.map((name) => {
        const done = steps.find(({ step }) => step === name);
        return { title: t(`step.${name}`), content: done ? t("stepBy", { by: done.by, at: format.instant(done.at) }) : t("stepOpen") };
      })}
    />
  );
}

function Next({ figure }: { figure: Figure }) {
  const { t } = useTranslation("figures");
  const { handle, role } = useSignedIn();
  const steps = figure.steps ?? [];
  const did = steps.filter(({ by }) => by === handle).map(({ step }) => step);
  // Whoever drafted may edit what others verified, and may not verify or release it.
  const hadPart = figure.state === "verified" ? did.includes("VERIFIED") : did.length > 0;
  if (hadPart) return <Typography.Text type="secondary">{t("own")}</Typography.Text>;
  if (figure.state === "drafted") return <Verify id={figure.figure} />;
  if (figure.state === "verified") return <Edit id={figure.figure} />;
  return role === "cdc-lead" ? <Release id={figure.figure} /> : <Typography.Text type="secondary">{t("lead")}</Typography.Text>;
}

function Verify({ id }: { id: string }) {
  const verify = useVerify(id);
  return <Sure name="verify" step={verify} />;
}

function Release({ id }: { id: string }) {
  const release = useRelease(id);
  return <Sure name="release" step={release} />;
}

/** A step that needs nothing but a yes. */
function Sure({ name, step }: { name: "verify" | "release"; step: ReturnType<typeof useVerify> }) {
  const { t } = useTranslation("figures");
  const { message } = App.useApp();
  const go = () => step.mutate(undefined, { onSuccess: () => void message.success(t(`done.${name}`)) });
  return (
    <div style={{ marginTop: 12 }}>
      <Popconfirm title={t(`ask.${name}`)} okText={t(`act.${name}`)} cancelText={t("cancel", { ns: "common" })} onConfirm={go}>
        <Button type="primary" loading={step.isPending} data-step={name}>{t(`act.${name}`)}</Button>
      </Popconfirm>
      {step.isError && <div style={{ marginTop: 12 }}><ProblemAlert error={step.error} /></div>}
    </div>
  );
}

function Edit({ id }: { id: string }) {
  const { t } = useTranslation("figures");
  const { message } = App.useApp();
  const edit = useEdit(id);
  const send = ({ title, note }: { title: string; note?: string }) =>
    edit.mutate({ title: title.trim(), note: note?.trim() ?? "" }, { onSuccess: () => void message.success(t("done.edit")) });
  return (
    <Form layout="vertical" onFinish={send} style={{ marginTop: 12, maxWidth: 640 }}>
      <Form.Item name="title" label={t("form.title")} rules={[{ required: true, whitespace: true, max: 100, pattern: NO_NUMBER, message: t("form.titleMissing") }]}>
        <Input maxLength={100} autoComplete="off" />
      </Form.Item>
      <Form.Item name="note" label={t("form.note")} rules={[{ max: 1000, pattern: NO_NUMBER, message: t("form.noteWrong") }]}>
        <Input.TextArea rows={3} maxLength={1000} />
      </Form.Item>
      {edit.isError && <div style={{ marginBottom: 16 }}><ProblemAlert error={edit.error} /></div>}
      <Button type="primary" htmlType="submit" loading={edit.isPending} data-step="edit">{t("act.edit")}</Button>
    </Form>
  );
}
