/** Asks why, before a decision is made or taken back. Digits choose, Enter confirms. */
import { Button, Flex, Form, Input, Modal, Radio, Typography, type RadioRef } from "antd";
import { useRef, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { ProblemAlert } from "../../parts/states";
import type { Reasoned } from "./questions";

export type What = "SAME" | "DIFFERENT" | "undo";

const REASONS: Record<What, string[]> = {
  SAME: ["DOCUMENT_SEEN", "SOURCE_CONFIRMED", "PERSON_CONFIRMED", "NUMBER_WRONG", "OTHER"],
  DIFFERENT: ["DOCUMENT_SEEN", "SOURCE_CONFIRMED", "PERSON_CONFIRMED", "RELATIVES", "NAMESAKES", "NUMBER_WRONG", "OTHER"],
  undo: ["MISTAKEN", "DOCUMENT_SEEN", "SOURCE_CONFIRMED", "PERSON_CONFIRMED", "OTHER"],
};

interface Props {
  what?: What;
  busy: boolean;
  error?: unknown;
  onDecide: (why: Reasoned) => void;
  onCancel: () => void;
}

export function Reasons({ what, busy, error, onDecide, onCancel }: Props) {
  const { t } = useTranslation("review");
  const { t: common } = useTranslation();
  const [form] = Form.useForm<Reasoned>();
  const first = useRef<RadioRef>(null);
  const reasons = what ? REASONS[what] : [];
  const keys = (event: KeyboardEvent) => {
    if (event.target instanceof HTMLTextAreaElement || event.ctrlKey || event.metaKey || event.altKey) return;
    const reason = reasons[Number(event.key) - 1];
    if (reason) form.setFieldValue("reason", reason);
    else if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement)) form.submit();
    else return;
    event.preventDefault();
  };
  return (
    <Modal open={Boolean(what)} afterOpenChange={(isOpen) => isOpen && first.current?.focus()} title={what && t(`decide.${what}`)} footer={null} onCancel={onCancel} destroyOnHidden>
      {what && (
        <Form form={form} layout="vertical" onFinish={onDecide} initialValues={{ reason: what === "undo" ? reasons[0] : undefined }} onKeyDown={keys} preserve={false} data-reasons={what}>
          <Form.Item name="reason" label={t("decide.reason")} rules={[{ required: true, message: t("decide.reasonMissing") }]}>
            <Radio.Group vertical>
              {reasons.map((reason, at) => (
                <Radio key={reason} value={reason} ref={at === 0 ? first : undefined}>
                  <kbd aria-hidden>{at + 1}</kbd> {t(`reason.${reason}`)}
                </Radio>
              ))}
            </Radio.Group>
          </Form.Item>
          <Form.Item name="note" label={t("decide.note")} extra={t("decide.noteHelp")}>
            <Input.TextArea maxLength={300} rows={2} />
          </Form.Item>
          <Typography.Paragraph type="secondary">{t("decide.onRecord")}</Typography.Paragraph>
          {error !== undefined && error !== null && (
            <div style={{ marginBottom: 12 }}>
              <ProblemAlert error={error} />
            </div>
          )}
          <Flex gap={8}>
            <Button type="primary" danger={what === "undo"} htmlType="submit" loading={busy}>
              {t(`decide.confirm.${what}`)} <kbd aria-hidden>↵</kbd>
            </Button>
            <Button onClick={onCancel}>{common("cancel")}</Button>
          </Flex>
        </Form>
      )}
    </Modal>
  );
}
