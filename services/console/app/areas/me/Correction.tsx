import { EditOutlined } from "@ant-design/icons";
import { Button, Flex, Form, Input, Modal, Select, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../parts/format";
import { saveText } from "../../parts/save";
import { usePersonWords } from "../../parts/person/words";
import { addTexts } from "../../text";
import { en, zh } from "./correction.text";

addTexts("correction", en, zh);

/** Something of the own file that its resident may doubt. */
export interface Doubtful {
  /** What it is called; a record has no field. */
  field?: string;
  value: string;
  source: string;
  record: string;
  time: string;
}

interface Props {
  kind: "value" | "link";
  of: Doubtful[];
  receipt: string;
}

/** A request for a correction: made here, sent by the resident, decided by whoever stated it. */
export function AskCorrection({ kind, of, receipt }: Props) {
  const { t } = useTranslation("correction");
  const format = useFormat();
  const { source } = usePersonWords();
  const [open, setOpen] = useState(false);
  const [letter, setLetter] = useState<string>();
  const name = (one: Doubtful) => [one.field, one.value, source(one.source)].filter(Boolean).join(" · ");
  const write = ({ which, what }: { which: number; what: string }) => {
    const one = of[which];
    if (!one) return;
    const lines = [
      kind === "value" ? t("text.to", { source: source(one.source) }) : t("text.toRegister"),
      kind === "value" ? t("text.subjectValue", { field: one.field }) : t("text.subjectLink"),
      "",
      ...(kind === "value" ? [t("text.stated", { value: one.value, day: format.day(one.time) })] : []),
      t("text.record", { record: one.record, source: source(one.source) }),
      t("text.seen", { day: format.day(Date.now()), receipt }),
      t("text.wrong", { what: what.trim() }),
      "",
      t("text.ask"),
    ];
    setLetter(lines.join("\n"));
  };
  return (
    <>
      <Button icon={<EditOutlined />} onClick={() => setOpen(true)} data-correction={kind}>{t("open")}</Button>
      <Modal open={open} title={t(`${kind}.title`)} footer={null} onCancel={() => setOpen(false)} afterClose={() => setLetter(undefined)} destroyOnHidden>
        <Typography.Paragraph type="secondary">{t(`${kind}.lead`)}</Typography.Paragraph>
        {letter === undefined ? (
          <Form layout="vertical" onFinish={write}>
            <Form.Item name="which" label={t(`${kind}.which`)} rules={[{ required: true, message: t("missing") }]}>
              <Select options={of.map((one, value) => ({ value, label: name(one) }))} />
            </Form.Item>
            <Form.Item name="what" label={t("what")} rules={[{ required: true, whitespace: true, message: t("whatMissing") }]}>
              <Input.TextArea rows={3} maxLength={1000} />
            </Form.Item>
            <Button type="primary" htmlType="submit">{t("make")}</Button>
          </Form>
        ) : (
          <Flex vertical gap={12}>
            <pre className="letter" tabIndex={0} aria-label={t("letter")}>{letter}</pre>
            <Flex gap={8} wrap>
              <Button type="primary" onClick={() => saveText("correction.txt", "text/plain;charset=utf-8", `${letter}\n`)}>{t("save")}</Button>
              <Button onClick={() => void navigator.clipboard?.writeText(letter)}>{t("copy")}</Button>
            </Flex>
            <Typography.Text type="secondary">{t("local")}</Typography.Text>
          </Flex>
        )}
      </Modal>
    </>
  );
}
