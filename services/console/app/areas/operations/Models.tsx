import { RollbackOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Form, Input, Popconfirm, Select, Tag, Typography, Upload } from "antd";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { StackedTable } from "../../parts/StackedTable";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { Asked, Empty, ProblemAlert } from "../../parts/states";
import { useVersion, Version } from "../../parts/Version";
import { addTexts } from "../../text";
import { activateModel, listModels, previewModel, rollBackModel, type Models } from "./ask";
import { en, zh } from "./models.text";
import { Outcome } from "./Trial";

addTexts("models", en, zh);

const KEY = ["operations", "models"];
const OWN = "own";
/** A reason stands on the log, where numbers of persons do not belong. */
const REASON_FORM = /^(?!.*\d{9})/s;

/** Which model decides who is one person: another one is tried first, then activated, and can be taken back. */
export function ModelsPage() {
  const { t } = useTranslation("models");
  const query = useQuery({ queryKey: KEY, queryFn: listModels });
  return (
    <Page title={t("title")}>
      <Typography.Paragraph type="secondary" style={{ maxWidth: "80ch" }}>{t("lead")}</Typography.Paragraph>
      <Asked query={query}>
        {(models) => (
          <>
            <Card size="small" style={{ marginBottom: 16 }}>
              <Typography.Text type="secondary">{t("decides")}:</Typography.Text> <Tag color="cyan" data-decides><Version of={models.decides} /></Tag>
            </Card>
            <TryModel models={models} />
            <History models={models} />
          </>
        )}
      </Asked>
    </Page>
  );
}

/** After a change all that was shown of persons and models is of before. */
function useChange<T, Answer>(change: (input: T) => Promise<Answer>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: change, onSuccess: () => queries.invalidateQueries({ queryKey: ["operations"] }) });
}

function TryModel({ models }: { models: Models }) {
  const { t } = useTranslation("models");
  const [chosen, setChosen] = useState(models.shipped[0] ?? OWN);
  const [file, setFile] = useState<{ name: string; text: string }>();
  const preview = useMutation({ mutationFn: previewModel });
  const activate = useChange(activateModel);
  const model = chosen === OWN ? file?.text : chosen;
  const other = () => {
    preview.reset();
    activate.reset();
  };
  const shipped = models.shipped.map((value) => ({ value: String(value), label: t(`shipped.${value}`, { defaultValue: value }) }));
  return (
    <Card size="small" style={{ marginBottom: 16 }} title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("try")}</h2>}>
      <div className="model-choice">
        <Select aria-label={t("model")} value={chosen} style={{ minWidth: 260 }} onChange={(value) => { setChosen(value); other(); }} options={[...shipped, { value: OWN, label: t("ownFile") }]} />
        {chosen === OWN && (
          <Upload
            accept=".toml,.json,.txt"
            maxCount={1}
            showUploadList={false}
            beforeUpload={(given) => {
              void given.text().then((text) => setFile({ name: given.name, text }));
              other();
              return false;
            }}
          >
            <Button>{file?.name ?? t("fileMissing")}</Button>
          </Upload>
        )}
        <Button type="primary" disabled={!model} loading={preview.isPending} onClick={() => model && preview.mutate(model)} data-preview>{t("preview")}</Button>
        <ReceiptTag receipt={preview.data?.receipt} />
      </div>
      {chosen === OWN && <Typography.Text type="secondary">{t("fileHelp")}</Typography.Text>}
      {preview.isError && <ProblemAlert error={preview.error} />}
      {preview.data && (
        <>
          <Outcome trial={preview.data} />
          {model && preview.data.candidate !== preview.data.current && !activate.data && <Activate candidate={preview.data.candidate} pending={activate.isPending} go={(reason) => activate.mutate({ model, reason })} />}
        </>
      )}
      {activate.isError && <ProblemAlert error={activate.error} />}
      {activate.data && <Changed changed={activate.data} />}
    </Card>
  );
}

function Activate({ candidate, pending, go }: { candidate: string; pending: boolean; go: (reason: string) => void }) {
  const { t } = useTranslation("models");
  const [form] = Form.useForm<{ reason: string }>();
  const say = useVersion();
  return (
    <Form form={form} layout="vertical" style={{ marginTop: 16, maxWidth: 560 }} onFinish={({ reason }) => go(reason.trim())}>
      <Typography.Paragraph type="secondary">{t("activateHelp")}</Typography.Paragraph>
      <Reason />
      <Popconfirm title={t("activateSure", { candidate: say(candidate) })} okText={t("activate")} cancelText={t("cancel", { ns: "common" })} onConfirm={() => form.submit()}>
        <Button danger loading={pending} data-activate>{t("activate")}</Button>
      </Popconfirm>
    </Form>
  );
}

function Reason() {
  const { t } = useTranslation("models");
  return (
    <Form.Item name="reason" label={t("reason")} extra={t("reasonHelp")} rules={[{ required: true, whitespace: true, pattern: REASON_FORM, message: t("reasonMissing") }]}>
      <Input maxLength={200} autoComplete="off" />
    </Form.Item>
  );
}

function Changed({ changed }: { changed: Awaited<ReturnType<typeof activateModel>> }) {
  const { t } = useTranslation("models");
  const { number } = useFormat();
  const say = useVersion();
  return (
    <Alert
      type="success"
      showIcon
      style={{ marginTop: 12 }}
      data-changed
      title={changed.applied ? t("activated", { version: say(changed.version), persons: number(changed.persons) }) : t("later")}
      action={<ReceiptTag receipt={changed.receipt} />}
    />
  );
}

function History({ models }: { models: Models }) {
  const { t } = useTranslation("models");
  const { instant } = useFormat();
  const back = useChange(rollBackModel);
  const [form] = Form.useForm<{ reason: string }>();
  const { activations } = models;
  return (
    <Card size="small" title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("history")}</h2>}>
      {back.data && <Changed changed={back.data} />}
      {activations.length === 0 ? (
        <Empty>{t("none")}</Empty>
      ) : (
        <>
          <StackedTable
            aria-label={t("history")}
            size="small"
            pagination={false}
            scroll={{ x: 760 }}
            rowKey={({ at, version }) => `${at} ${version}`}
            dataSource={activations}
            columns={[
              { title: t("at"), dataIndex: "at", width: 170, render: (at: string) => instant(at) },
              { title: t("action"), dataIndex: "action", width: 110, render: (action: string) => <Tag>{t(`actions.${action}`, { defaultValue: action })}</Tag> },
              { title: t("version"), dataIndex: "version", width: 240, render: (version: string) => <Version of={version} /> },
              { title: t("by"), dataIndex: "operator", width: 140 },
              { title: t("reason"), dataIndex: "reason" },
            ]}
          />
          {activations[0]?.action === "activated" && (
            <Form form={form} layout="vertical" style={{ marginTop: 16, maxWidth: 560 }} onFinish={({ reason }) => back.mutate(reason.trim())}>
              <Typography.Paragraph type="secondary">{t("backHelp")}</Typography.Paragraph>
              <Reason />
              <Button htmlType="submit" icon={<RollbackOutlined />} loading={back.isPending} data-back>{t("back")}</Button>
            </Form>
          )}
        </>
      )}
      {back.isError && <ProblemAlert error={back.error} />}
    </Card>
  );
}
