import { Alert, App, AutoComplete, Button, Card, Checkbox, Flex, Form, InputNumber, Select, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { useFormat } from "../format";
import { ProblemAlert } from "../states";
import { GRANT_GROUPS, GRANT_ROLES, REQUEST_REASONS, requestGrant, type GrantQuestion } from "./ask";
import { useAct } from "./useAct";

/** A district, or what lies in it: the code of a unit. */
const AREA_FORM = /^\d{6}[0-9A-Z]{0,26}$/;
const MINUTES_MAX = 1440;
/** What a search for the contacts of a case needs at least. */
const USUAL = { roles: ["cdc-tracer"], groups: ["identity", "contact", "residence", "trail"], minutes: 240 };

/** A group of boxes takes no `required`: no such thing may be said of it (WAI-ARIA 1.2, role group). */
const some = (message: string) => ({ validator: (_: unknown, chosen?: string[]) => (chosen?.length ? Promise.resolve() : Promise.reject(new Error(message))) });

/** Asking for a grant: where, for whom, what it opens, why and how long. */
export function AskGrant({ areas, close }: { areas: string[]; close: () => void }) {
  const { t } = useTranslation("grants");
  const { t: common } = useTranslation();
  const { number } = useFormat();
  const { message } = App.useApp();
  const [form] = Form.useForm<GrantQuestion>();
  const minutes = Form.useWatch("minutes", form) ?? USUAL.minutes;
  const ask = useAct(requestGrant);
  const send = (question: GrantQuestion) =>
    ask.mutate(
      { ...question, area: question.area.trim().toUpperCase() },
      {
        onSuccess: () => {
          void message.success(t("ask.sent"));
          close();
        },
      },
    );
  return (
    <Card size="small" style={{ marginBottom: 24 }} title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("ask.title")}</h2>}>
      <Form form={form} layout="vertical" onFinish={send} initialValues={USUAL} style={{ maxWidth: 680 }}>
        <Alert type="info" showIcon title={t("ask.lead")} style={{ marginBottom: 16 }} />
        <Form.Item name="area" label={t("ask.area")} extra={t("ask.areaHelp")} rules={[{ required: true, pattern: AREA_FORM, message: t("ask.areaWrong") }]}>
          <AutoComplete options={areas.map((value) => ({ value }))} maxLength={32} />
        </Form.Item>
        <Form.Item name="roles" label={t("ask.roles")} rules={[some(t("ask.rolesMissing"))]}>
          <Checkbox.Group options={GRANT_ROLES.map((value) => ({ value, label: common(`role.${value}`) }))} />
        </Form.Item>
        <Form.Item name="groups" label={t("ask.groups")} extra={t("ask.groupsHelp")} rules={[some(t("ask.groupsMissing"))]}>
          <Checkbox.Group options={GRANT_GROUPS.map((value) => ({ value, label: common(`group.${value}`) }))} />
        </Form.Item>
        <Form.Item name="reason" label={t("ask.reason")} rules={[{ required: true, message: t("ask.reasonMissing") }]}>
          <Select options={REQUEST_REASONS.map((value) => ({ value, label: t(`reasons.${value}`) }))} />
        </Form.Item>
        <Form.Item name="minutes" label={t("ask.minutes")} extra={t("ask.minutesHelp", { hours: number(minutes / 60, 1) })} rules={[{ required: true, type: "integer", min: 1, max: MINUTES_MAX, message: t("ask.minutesWrong") }]}>
          <InputNumber min={1} max={MINUTES_MAX} step={30} style={{ width: 140 }} />
        </Form.Item>
        {ask.isError && <div style={{ marginBottom: 16 }}><ProblemAlert error={ask.error} /></div>}
        <Flex gap={8} wrap align="center">
          <Button type="primary" htmlType="submit" loading={ask.isPending} data-ask>{t("ask.send")}</Button>
          <Button onClick={close}>{common("cancel")}</Button>
          <Typography.Text type="secondary">{t("ask.next")}</Typography.Text>
        </Flex>
      </Form>
    </Card>
  );
}
