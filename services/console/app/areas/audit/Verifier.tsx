import { CheckCircleFilled, CloseCircleFilled, DeleteOutlined, InboxOutlined, MinusCircleFilled } from "@ant-design/icons";
import { Alert, Button, Card, Flex, Grid, Input, Space, Typography, Upload } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import "./audit.css";
import { Outcome as EntryOutcome } from "./Entry";
import { canVerify, readHead, readProof, verify, type Outcome, type Step } from "./proof";
import { useCodes } from "./words";
import { useFormat } from "../../parts/format";

interface EntryFile {
  name: string;
  bytes: Uint8Array;
}

/** A receipt to verify at once; `at` tells one click from the next. */
export interface Given {
  receipt: string;
  entry?: EntryFile;
  at: number;
}

/** Verifies a receipt in this browser, step by step. It asks no server. */
export function Verifier({ hubKeys, given }: { hubKeys: string; given?: Given }) {
  const { t } = useTranslation("audit");
  const [receipt, setReceipt] = useState("");
  const [entry, setEntry] = useState<EntryFile>();
  const [keys, setKeys] = useState(hubKeys);
  const [outcome, setOutcome] = useState<Outcome>();
  const wide = Grid.useBreakpoint().md ?? true;
  const run = async (text: string, file: EntryFile | undefined) => setOutcome(await verify(text, file?.bytes, keys));
  useEffect(() => {
    if (!given) return;
    setReceipt(given.receipt);
    setEntry(given.entry);
    void verify(given.receipt, given.entry?.bytes, keys).then(setOutcome);
    // A change of the key alone verifies nothing anew: that is what the button is for.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [given]);
  const take = async (file: File) => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    // Entries are CBOR maps: no text begins like that.
    if (((bytes[0] ?? 0) & 0xe0) === 0xa0) setEntry({ name: file.name, bytes });
    else setReceipt(new TextDecoder().decode(bytes));
    setOutcome(undefined);
  };
  const keyHelp = keys === "" ? "keyAbsent" : keys === hubKeys ? "keyOfHub" : "keyOwn";
  return (
    <Card size="small" title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("verify.heading")}</h2>} extra={<Typography.Text type="secondary">{t("verify.noRequest")}</Typography.Text>}>
      {!canVerify() && <Alert type="warning" showIcon title={t("verify.impossible")} style={{ marginBottom: 12 }} />}
      <Flex vertical gap={12}>
        <Upload.Dragger multiple showUploadList={false} accept=".tlog-proof,.entry,.json,.txt" beforeUpload={(file) => { void take(file); return false; }} style={{ padding: 0 }}>
          <Space><InboxOutlined aria-hidden />{t("verify.drop")}</Space>
        </Upload.Dragger>
        <label>
          <Typography.Text strong>{t("verify.receipt")}</Typography.Text> <Typography.Text type="secondary">{t("verify.receiptHelp")}</Typography.Text>
          <Input.TextArea className="proof-text" value={receipt} onChange={(event) => { setReceipt(event.target.value); setOutcome(undefined); }} rows={7} spellCheck={false} data-testid="receipt" />
        </label>
        {entry ? (
          <Space>
            <Typography.Text>{t("verify.entryFile", { name: entry.name, bytes: entry.bytes.length })}</Typography.Text>
            <Button size="small" type="text" icon={<DeleteOutlined />} aria-label={t("verify.removeEntry")} onClick={() => { setEntry(undefined); setOutcome(undefined); }} />
          </Space>
        ) : (
          <Typography.Text type="secondary">{t("verify.entryNone")}</Typography.Text>
        )}
        <label>
          <Typography.Text strong>{t("verify.key")}</Typography.Text> <Typography.Text type="secondary">{t("verify.keyHelp")}</Typography.Text>
          <Input.TextArea className="proof-text" value={keys} onChange={(event) => { setKeys(event.target.value.trim()); setOutcome(undefined); }} rows={wide ? 1 : 4} spellCheck={false} data-testid="key" />
        </label>
        <Alert type={keyHelp === "keyOwn" ? "success" : "warning"} title={t(`verify.${keyHelp}`)} />
        <Flex gap={8}>
          <Button type="primary" disabled={receipt.trim() === "" || !canVerify()} onClick={() => void run(receipt, entry)}>{t("verify.button")}</Button>
          <Button onClick={() => { setReceipt(""); setEntry(undefined); setOutcome(undefined); }}>{t("verify.clear")}</Button>
        </Flex>
        <div aria-live="polite">{outcome && <Result outcome={outcome} receipt={receipt} withEntry={entry !== undefined} />}</div>
      </Flex>
    </Card>
  );
}

function Result({ outcome, receipt, withEntry }: { outcome: Outcome; receipt: string; withEntry: boolean }) {
  const { t } = useTranslation("audit");
  const proof = readProof(receipt);
  const place = { index: proof?.index, size: proof && readHead(proof.checkpoint)?.size };
  const step = outcome.at ? t(`verify.step.${outcome.at}`) : "";
  const say = {
    verified: { type: "success" as const, title: t("verify.verdict.verified"), help: t(`verify.verdict.${withEntry ? "verifiedHelp" : "verifiedLeaf"}`, place) },
    failed: { type: "error" as const, title: t("verify.verdict.failedAt", { step }), help: t(outcome.at === "form" ? "verify.verdict.formHelp" : "verify.verdict.failedHelp") },
    open: { type: "warning" as const, title: t("verify.verdict.open", { step }), help: t("verify.verdict.openHelp") },
  }[outcome.verdict];
  return (
    <div data-verdict={outcome.verdict} data-at={outcome.at}>
      <Alert type={say.type} showIcon title={<strong>{say.title}</strong>} description={say.help} />
      <ol className="proof-steps">
        {outcome.steps.map((step, at) => <StepLine key={step.name} step={step} number={at + 1} />)}
      </ol>
      {outcome.entry && <Entry fields={outcome.entry} />}
    </div>
  );
}

const ICONS = {
  ok: <CheckCircleFilled aria-hidden style={{ color: "var(--good)" }} />,
  failed: <CloseCircleFilled aria-hidden style={{ color: "var(--alert)" }} />,
  open: <MinusCircleFilled aria-hidden style={{ color: "var(--open)" }} />,
};

function StepLine({ step, number }: { step: Step; number: number }) {
  const { t } = useTranslation("audit");
  return (
    <li data-step={step.name} data-state={step.state}>
      {ICONS[step.state]}
      <div>
        <div><strong>{number}. {t(`verify.step.${step.name}`)}</strong> — {t(`verify.state_${step.state}`)}</div>
        <Typography.Text type="secondary">{step.why ? t(`verify.why.${step.why}`) : t(`verify.about.${step.name}`)}</Typography.Text>
        {step.values.length > 0 && (
          <dl>
            {step.values.map(([name, value]) => (
              <div key={name + value}>
                <dt>{t(`verify.value.${name}`)}</dt>
                <dd>{name === "kind" ? t(`verify.form.${value}`, { defaultValue: value }) : value}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </li>
  );
}

function Entry({ fields }: { fields: NonNullable<Outcome["entry"]> }) {
  const { t } = useTranslation("audit");
  const codes = useCodes();
  const format = useFormat();
  const rows: [string, React.ReactNode][] = [
    [t("entry.time"), format.second(fields.time)],
    [t("entry.actor"), fields.actor],
    [t("entry.unit"), fields.unit],
    [t("entry.role"), codes.role(fields.role)],
    [t("entry.action"), codes.action(fields.action)],
    [t("entry.purpose"), fields.purpose ? codes.purpose(fields.purpose) : "–"],
    [t("entry.subjects"), fields.subjects.length],
    [t("entry.released"), format.list(fields.released.map(codes.group)) || "–"],
    [t("entry.outcome"), <EntryOutcome key="outcome" entry={{ ...fields, index: 0 }} />],
  ];
  return (
    <dl className="proof-entry" aria-label={t("verify.step.entry")}>
      {rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}
