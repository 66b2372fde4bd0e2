import { Button, Drawer, Form, Input, Select, Timeline, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { FocusBack } from "../../../parts/focus";
import { useFormat } from "../../../parts/format";
import { ReceiptTag, Withheld } from "../../../parts/Page";
import { Asked, ProblemAlert } from "../../../parts/states";
import { useUnitName } from "../../../parts/unit";
import { UnitSelect } from "../../../parts/UnitSelect";
import type { FollowUp } from "../model";
import { useAssign, useClose, useFollowUp } from "../questions";
import { FollowUpTag } from "../words";

/** The life of one follow-up, step by step. */
export function FollowUpDrawer({ chosen, close }: { chosen?: FollowUp; close: () => void }) {
  const { t } = useTranslation("control");
  return (
    <Drawer open={Boolean(chosen)} onClose={close} title={chosen?.identity?.name ?? t("followUps.one")} size="min(560px, 100vw)" destroyOnHidden>
      {chosen && <FocusBack />}
      {chosen && <Body key={chosen.follow_up_id} id={chosen.follow_up_id} />}
    </Drawer>
  );
}

function Body({ id }: { id: string }) {
  const { t } = useTranslation("control");
  const { instant } = useFormat();
  const unitName = useUnitName();
  const query = useFollowUp(id);
  return (
    <Asked query={query}>
      {({ state, address, steps, history, receipt, withheld }) => (
        <>
          <div className="control-bar">
            <FollowUpTag state={state} /> <ReceiptTag receipt={receipt} />
          </div>
          <Withheld of="read-follow-ups" groups={withheld} />
          {address && <Typography.Paragraph>{address}</Typography.Paragraph>}
          {steps.includes("assigned") && <Assign id={id} />}
          {steps.includes("closed") && <Close id={id} />}
          <h3 className="control-h2" style={{ marginBottom: 16 }}>
            {t("followUps.history")}
          </h3>
          <Timeline
            items={history.map(({ version, step, at, by, state: then, unit: had, until, note, referral }) => ({
              key: version,
              content: (
                <>
                  <div>
                    <strong>{t(`step.${step}`, { defaultValue: step })}</strong> · {instant(at)}
                  </div>
                  <div>
                    <FollowUpTag state={then} /> {[had && unitName(had), by].filter(Boolean).join(" · ")}
                  </div>
                  {until && <div>{t("followUps.until", { at: instant(until) })}</div>}
                  {referral?.place && <div>{referral.place}</div>}
                  {note && <Typography.Text type="secondary">{note}</Typography.Text>}
                </>
              ),
            }))}
          />
        </>
      )}
    </Asked>
  );
}

/** Nobody knows where the person lives, so that somebody must say which unit looks after them. */
function Assign({ id }: { id: string }) {
  const { t } = useTranslation("control");
  const assign = useAssign(id);
  return (
    <Form layout="vertical" onFinish={(body: { unit: string; note?: string }) => assign.mutate(body)} style={{ marginBottom: 16 }}>
      <Form.Item name="unit" label={t("assign.unit")} extra={t("assign.help")} rules={[{ required: true, message: t("assign.missing") }]}>
        <UnitSelect />
      </Form.Item>
      <Form.Item name="note" label={t("assign.note")}>
        <Input.TextArea maxLength={300} rows={2} />
      </Form.Item>
      {assign.isError && <ProblemAlert error={assign.error} />}
      <Button htmlType="submit" type="primary" loading={assign.isPending}>
        {t("assign.button")}
      </Button>
    </Form>
  );
}

/** Whom no unit has need not be told any more: why counts apart. */
const REASONS = ["period_over", "died", "not_this_person", "moved_away"];

function Close({ id }: { id: string }) {
  const { t } = useTranslation("control");
  const close = useClose(id);
  return (
    <Form layout="vertical" onFinish={(body: { reason: string }) => close.mutate(body)} style={{ marginBottom: 16 }}>
      <Form.Item name="reason" label={t("closing.reason")} rules={[{ required: true, message: t("closing.missing") }]}>
        <Select options={REASONS.map((value) => ({ value, label: t(`followUpState.${value}`) }))} />
      </Form.Item>
      {close.isError && <ProblemAlert error={close.error} />}
      <Button htmlType="submit" loading={close.isPending}>
        {t("closing.button")}
      </Button>
    </Form>
  );
}
