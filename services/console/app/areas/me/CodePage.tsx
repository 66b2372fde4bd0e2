import { App, Button, Card, Flex, Form, Input, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Asked, ProblemAlert } from "../../parts/states";
import { instantOf } from "../../parts/city";
import { DayInput } from "../../parts/DayInput";
import { useFormat } from "../../parts/format";
import { type Schemas } from "../../parts/person/questions";
import { Version } from "../../parts/Version";
import "./me.css";
import { useAppeal, useAppeals, useCode, type Appeal, type Code } from "./questions";

/** The colour of the own code: why, until when, and what can be said against it. */
export function CodePage() {
  const { t } = useTranslation("me");
  const [on, setOn] = useState<string>();
  const code = useCode(on);
  const show = ({ day }: { day?: string }) => setOn(day && instantOf(`${day}T12:00`));
  return (
    <Page
      title={t("code.title")}
      extra={
        <Form layout="inline" onFinish={show} style={{ rowGap: 8 }}>
          <Form.Item name="day" label={t("code.day")}>
            <DayInput />
          </Form.Item>
          <Button htmlType="submit">{t("itinerary.show")}</Button>
          {on && (
            <Button type="link" onClick={() => setOn(undefined)}>
              {t("code.now")}
            </Button>
          )}
        </Form>
      }
    >
      <Asked query={code}>{(answer) => <Answer code={answer} isNow={!on} />}</Asked>
    </Page>
  );
}

function Answer({ code, isNow }: { code: Code; isNow: boolean }) {
  const { t } = useTranslation("me");
  const format = useFormat();
  const day = 86_400_000;
  return (
    <Flex vertical gap={16}>
      <Card data-colour={code.colour}>
        <div className="code-card">
          <div className={`code-disc code-${code.colour}`} aria-hidden>
            {t(`code.colour.${code.colour}`, { defaultValue: code.colour })}
          </div>
          <div>
            <div className="code-big">{t(`code.colour.${code.colour}`, { defaultValue: code.colour })}</div>
            <div>{t(`code.means.${code.colour}`, { defaultValue: "" })}</div>
            {code.until && <div>{t("code.until", { time: format.instant(code.until) })}</div>}
            <Typography.Text type="secondary">
              {t("code.on")}: {isNow ? t("code.now") : format.instant(code.on)}
            </Typography.Text>{" "}
            <ReceiptTag receipt={code.receipt} />
          </div>
        </div>
      </Card>
      <Withheld of="read-health-code" groups={code.withheld} />
      <Card size="small" title={<h2 className="section-title">{t("code.reasons")}</h2>}>
        {code.reasons.length === 0 ? <p style={{ margin: 0 }}>{t("code.noReasons")}</p> : <Reasons reasons={code.reasons} />}
        {code.reasons.length > 0 && <Typography.Text type="secondary">{t("code.never")}</Typography.Text>}
      </Card>
      {code.set_aside && code.set_aside.length > 0 && (
        <Card size="small" title={<h2 className="section-title">{t("code.setAside")}</h2>}>
          <Reasons reasons={code.set_aside} />
        </Card>
      )}
      {/* A hub that takes appeals tells of them with the code. */}
      {code.appeals && isNow && <Appeals canAppeal={code.reasons.length > 0} count={code.appeals.length} />}
      <Typography.Text type="secondary">
        {t("code.known", { time: format.instant(code.known_at) })}<Version of={code.rules} />
        {Date.parse(code.on) < Date.parse(code.known_since) + 14 * day && ` ${t("code.knownSince", { day: format.day(code.known_since) })}`}
      </Typography.Text>
    </Flex>
  );
}

/** Whoever met many has a reason for each meeting; the strongest come first. */
const REASONS = 10;

function Reasons({ reasons }: { reasons: Schemas["CodeReasonView"][] }) {
  const { t } = useTranslation("me");
  const format = useFormat();
  const [shown, setShown] = useState(REASONS);
  return (
    <ul className="plain-list">
      {reasons.slice(0, shown).map((reason, at) => (
        <li key={at} data-cause={reason.cause}>
          <span className={`code-disc small code-${reason.colour}`} aria-hidden />
          <strong>{t(`code.colour.${reason.colour}`, { defaultValue: reason.colour })}</strong>{" "}
          {t(`code.cause.${reason.cause}`, { defaultValue: reason.cause, level: reason.level ? t(`code.level.${reason.level}`, { defaultValue: reason.level }) : "", township: reason.township ?? "–" })}
          <div className="mark quiet">{t("code.reasonUntil", { time: format.instant(reason.until) })}</div>
        </li>
      ))}
      {shown < reasons.length && (
        <li>
          <Button onClick={() => setShown(shown + 10 * REASONS)}>{t("code.more", { shown: format.number(shown), total: format.number(reasons.length) })}</Button>
        </li>
      )}
    </ul>
  );
}

function Appeals({ canAppeal, count }: { canAppeal: boolean; count: number }) {
  const { t } = useTranslation("me");
  const { message } = App.useApp();
  const [form] = Form.useForm<{ words: string }>();
  const appeals = useAppeals(count > 0);
  const appeal = useAppeal();
  const send = ({ words }: { words: string }) =>
    appeal.mutate(words.trim(), {
      onSuccess: () => {
        form.resetFields();
        void message.success(t("code.appealSent"));
      },
    });
  return (
    <>
      <Card size="small" title={<h2 className="section-title">{t("code.appeal")}</h2>}>
        {canAppeal ? (
          <Form form={form} layout="vertical" onFinish={send}>
            <Typography.Paragraph>{t("code.appealLead")}</Typography.Paragraph>
            <Form.Item name="words" label={t("code.appealWords")} rules={[{ required: true, whitespace: true, message: t("code.appealMissing") }]}>
              <Input.TextArea maxLength={1000} rows={3} />
            </Form.Item>
            {appeal.isError && (
              <div style={{ marginBottom: 12 }}>
                <ProblemAlert error={appeal.error} />
              </div>
            )}
            <Button type="primary" htmlType="submit" loading={appeal.isPending}>
              {t("code.appealSend")}
            </Button>
          </Form>
        ) : (
          <p style={{ margin: 0 }}>{t("code.appealNothing")}</p>
        )}
      </Card>
      {count > 0 && (
        <Card size="small" title={<h2 className="section-title">{t("code.appeals")}</h2>}>
          <Asked query={appeals} empty={(answer) => answer.appeals.length === 0}>
            {(answer) => (
              <ul className="plain-list" data-appeals>
                {[...answer.appeals].reverse().map((one) => (
                  <OneAppeal key={one.appeal_id} appeal={one} />
                ))}
              </ul>
            )}
          </Asked>
        </Card>
      )}
    </>
  );
}

const COLOURS: Record<string, string> = { open: "blue", upheld: "green", rejected: "default" };

function OneAppeal({ appeal }: { appeal: Appeal }) {
  const { t } = useTranslation("me");
  const format = useFormat();
  return (
    <li>
      <Tag color={COLOURS[appeal.state]}>{t(`code.state.${appeal.state}`)}</Tag> {t("code.made", { time: format.instant(appeal.made) })}
      {appeal.decided && ` · ${t("code.decided", { time: format.instant(appeal.decided) })}`}
      {appeal.words && <div style={{ whiteSpace: "pre-wrap" }}>{appeal.words}</div>}
      {appeal.reason && <div>{t(`code.reason.${appeal.reason}`, { defaultValue: appeal.reason })}</div>}
      {appeal.note && <div className="mark quiet" style={{ whiteSpace: "normal" }}>{appeal.note}</div>}
    </li>
  );
}
