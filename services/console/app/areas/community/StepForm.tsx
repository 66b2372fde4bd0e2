import { App, Button, Flex, Form, Input, Modal, Select, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useFocusBack } from "../../parts/focus";
import { beginOf, DAY, dayOf, iso } from "../../parts/city";
import { DayInput } from "../../parts/DayInput";
import { ProblemAlert } from "../../parts/states";
import { UnitSelect } from "../../parts/UnitSelect";
import { useSignedIn } from "../../session/session";
import { useTakeStep, type FollowUp, type StepBody, type StepName } from "./followUps";

const OUTCOMES = ["returned_home", "discharged", "transferred", "died"];
/** Why a follow-up comes to no release; each counts apart. */
const REASONS = ["period_over", "died", "not_this_person", "moved_away"];
const NEEDS_PLACE: StepName[] = ["screened", "transported", "admitted"];
/** Nothing that could be a phone or an identity number, however it is broken up; the hub looks again. */
const NOTE_FORM = /^(?!.*(\d[^\p{L}\d]*){7})/su;

interface Fields {
  until?: string;
  to?: string;
  place?: string;
  outcome?: string;
  reason?: string;
  note?: string;
}

interface Props {
  task: FollowUp;
  step: StepName;
  close: () => void;
  done: (applied: boolean) => void;
}

/** What a step needs to be told; most need nothing but a yes. */
export function StepForm({ task, step, close, done }: Props) {
  const { t } = useTranslation("community");
  const { message } = App.useApp();
  const navigate = useNavigate();
  const own = useSignedIn().unit;
  useFocusBack();
  const take = useTakeStep(task.follow_up_id);
  const finish = (fields: Fields) => {
    const body: StepBody = {
      step,
      to: fields.to?.trim() || undefined,
      place: fields.place?.trim() || undefined,
      outcome: fields.outcome,
      reason: fields.reason,
      note: fields.note?.trim() || undefined,
      // The day that was chosen is part of the quarantine.
      until: fields.until && iso(beginOf(fields.until) + DAY - 1000),
    };
    take.mutate(body, {
      onSuccess: ({ applied, follow_up }) => {
        void message.success(t("task.taken", { step: t(`step.${step}`) }));
        done(applied);
        close();
        // It is another unit's from now on.
        if (!follow_up) void navigate("/community/tasks");
      },
    });
  };
  return (
    <Modal open title={t(`step.${step}`)} footer={null} onCancel={close} destroyOnHidden>
      <Form<Fields> layout="vertical" onFinish={finish}>
        <Typography.Paragraph type="secondary">{t(`stepHelp.${step}`, { defaultValue: "" })}</Typography.Paragraph>
        {step === "quarantined" && (
          <Form.Item name="until" label={t("form.until")} extra={t("form.untilHelp")}>
            <DayInput min={dayOf(Date.now())} />
          </Form.Item>
        )}
        {step === "offered" && (
          <Form.Item name="to" label={t("form.to")} extra={t("form.toHelp")} rules={[{ required: true, message: t("form.toWrong") }]}>
            <UnitSelect within={own?.slice(0, 6)} without={task.unit} />
          </Form.Item>
        )}
        {NEEDS_PLACE.includes(step) && (
          <Form.Item name="place" label={t("form.place")} rules={[{ required: true, whitespace: true, message: t("form.placeMissing") }]}>
            <Input maxLength={100} />
          </Form.Item>
        )}
        {step === "referral_closed" && (
          <Form.Item name="outcome" label={t("form.outcome")} rules={[{ required: true, message: t("form.outcomeMissing") }]}>
            <Select options={OUTCOMES.map((value) => ({ value, label: t(`outcome.${value}`) }))} />
          </Form.Item>
        )}
        {step === "closed" && (
          <Form.Item name="reason" label={t("form.reason")} rules={[{ required: true, message: t("form.reasonMissing") }]}>
            <Select options={REASONS.map((value) => ({ value, label: t(`state.${value}`) }))} data-reason />
          </Form.Item>
        )}
        <Form.Item name="note" label={t("form.note")} extra={t("form.noteHelp")} rules={[{ pattern: NOTE_FORM, message: t("form.noteWrong") }]}>
          <Input.TextArea rows={2} maxLength={300} showCount />
        </Form.Item>
        {take.isError && <div style={{ marginBottom: 16 }}><ProblemAlert error={take.error} /></div>}
        <Flex gap={8}>
          <Button type="primary" htmlType="submit" loading={take.isPending} data-confirm>
            {t("form.confirm")}
          </Button>
          <Button onClick={close}>{t("cancel", { ns: "common" })}</Button>
        </Flex>
      </Form>
    </Modal>
  );
}
