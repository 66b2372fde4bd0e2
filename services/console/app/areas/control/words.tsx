/** Small words of disease control: states, levels and colours, each with a sign beside its colour. */
import {
  AlertOutlined,
  CheckCircleOutlined,
  ClockCircleOutlined,
  CloseCircleOutlined,
  ExclamationCircleOutlined,
  MinusCircleOutlined,
  WarningOutlined,
} from "@ant-design/icons";
import { Alert, Button, Popover, Space, Tag, Typography } from "antd";
import { useId, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { dayOf, instantOf, minuteOf } from "../../parts/city";
import { DayInput, MinuteInput } from "../../parts/DayInput";
import { useFormat } from "../../parts/format";
import type { FollowUpState, Meeting } from "./model";
import { useNames } from "./names";

const CASE_COLOURS: Record<string, string> = { CONFIRMED: "red", ASYMPTOMATIC: "volcano", SUSPECTED: "gold", RECOVERED: "green", EXCLUDED: "default", DECEASED: "default" };

export function CaseState({ state }: { state: string }) {
  const { t } = useTranslation("control");
  return <Tag color={CASE_COLOURS[state] ?? "default"}>{t(`caseState.${state}`, { defaultValue: state })}</Tag>;
}

export function LevelTag({ level }: { level: string }) {
  const { t } = useTranslation("control");
  const signs: Record<string, [string, ReactNode]> = {
    HIGH: ["red", <AlertOutlined key="high" />],
    MEDIUM: ["gold", <WarningOutlined key="medium" />],
    LOW: ["green", <CheckCircleOutlined key="low" />],
  };
  const [colour, icon] = signs[level] ?? ["default", null];
  return (
    <Tag color={colour} icon={icon}>
      {t(`level.${level}`, { defaultValue: level })}
    </Tag>
  );
}

const CODE_SIGNS: Record<string, [string, ReactNode]> = {
  RED: ["red", <CloseCircleOutlined key="red" />],
  YELLOW: ["gold", <ExclamationCircleOutlined key="yellow" />],
  GREEN: ["green", <CheckCircleOutlined key="green" />],
};

export function ColourTag({ colour }: { colour: string }) {
  const { t } = useTranslation("control");
  const [tag, icon] = CODE_SIGNS[colour] ?? ["default", null];
  return (
    <Tag color={tag} icon={icon}>
      {t(`colour.${colour}`, { defaultValue: colour })}
    </Tag>
  );
}

const FOLLOW_UP_SIGNS: Record<FollowUpState, [string, ReactNode]> = {
  to_notify: ["orange", <ClockCircleOutlined key="to" />],
  notified: ["blue", <CheckCircleOutlined key="no" />],
  not_reached: ["red", <ExclamationCircleOutlined key="nr" />],
  refused: ["red", <CloseCircleOutlined key="re" />],
  quarantined: ["purple", <CheckCircleOutlined key="qu" />],
  released: ["green", <CheckCircleOutlined key="rl" />],
  covered: ["default", <MinusCircleOutlined key="co" />],
  period_over: ["default", <MinusCircleOutlined key="po" />],
  died: ["default", <MinusCircleOutlined key="di" />],
  not_this_person: ["default", <MinusCircleOutlined key="np" />],
  moved_away: ["default", <MinusCircleOutlined key="ma" />],
  withdrawn: ["default", <MinusCircleOutlined key="wi" />],
};

export function FollowUpTag({ state }: { state: FollowUpState }) {
  const { t } = useTranslation("control");
  const [colour, icon] = FOLLOW_UP_SIGNS[state] ?? ["default", null];
  return (
    <Tag color={colour} icon={icon}>
      {t(`followUpState.${state}`, { defaultValue: state })}
    </Tag>
  );
}

const RESULT_COLOURS: Record<string, string> = { POSITIVE: "red", SUSPECTED: "gold", POOL_RETEST: "gold", NEGATIVE: "green" };

export function ResultTag({ result }: { result: string }) {
  const { t } = useTranslation("control");
  return <Tag color={RESULT_COLOURS[result] ?? "default"}>{t(`result.${result}`, { defaultValue: result })}</Tag>;
}

export function SceneTag({ scene }: { scene: Meeting["scene"] }) {
  const { t } = useTranslation("control");
  return <Tag>{t(`scene.${scene}`, { defaultValue: scene })}</Tag>;
}

/** An id is long; its beginning tells persons of one page apart. */
export const short = (id: string) => id.slice(0, 8);

/** Leads to the file of a person; its name stands there once it was asked for. */
export function PersonLink({ id, children }: { id: string; children?: ReactNode }) {
  const { t } = useTranslation("control");
  const name = useNames()[id];
  return (
    <Link to={`/persons/${id}`} title={id}>
      {children ?? (name || (
        <>
          {t("person")} <span className="control-id">{short(id)}</span>
        </>
      ))}
    </Link>
  );
}

/** A phone as people write it. */
export const phoneText = (phone: string) => phone.replace(/^86(1\d{2})(\d{4})(\d{4})$/, "$1 $2 $3");

/** One number that matters, with its word. */
export function Figure({ label, value, hint, tone }: { label: string; value: ReactNode; hint?: ReactNode; tone?: "alarm" | "calm" }) {
  return (
    <div className={`control-number ${tone ?? ""}`}>
      <dt>{label}</dt>
      <dd className="numbers">{value}</dd>
      {hint && <dd className="hint">{hint}</dd>}
    </div>
  );
}

export const Figures = ({ children }: { children: ReactNode }) => <dl className="control-numbers">{children}</dl>;

/** A day or a minute with its name. */
export function InstantInput({ label, value, kind, max, note, onChange }: {
  label: string;
  value: string | undefined;
  kind: "day" | "minute";
  max?: number;
  /** What the field takes, beside it. */
  note?: string;
  onChange: (instant: string | undefined) => void;
}) {
  const id = useId();
  const [Input, local] = kind === "day" ? [DayInput, dayOf] : [MinuteInput, minuteOf];
  return (
    <span className="control-instant">
      <label htmlFor={id}>{label}</label>
      <Input
        id={id}
        size="small"
        value={value && local(value)}
        max={max ? local(max) : undefined}
        onChange={(picked) => onChange(picked && instantOf(picked))}
      />
      {note && <Typography.Text type="secondary">{note}</Typography.Text>}
    </span>
  );
}

/** Whether the page shows what is known now or what was known at an earlier time. */
export function AsKnown({ at, change }: { at: string | undefined; change: (at: string | undefined) => void }) {
  const { t } = useTranslation("control");
  const { instant } = useFormat();
  const content = (
    <div style={{ maxWidth: 300 }}>
      <p style={{ marginTop: 0 }}>{t("asKnown.help")}</p>
      <InstantInput label={t("asKnown.label")} kind="minute" value={at} max={Date.now()} onChange={change} />
    </div>
  );
  return (
    <Space.Compact>
      <Popover trigger="click" placement="bottomRight" content={content}>
        <Button icon={<ClockCircleOutlined />} type={at ? "primary" : "default"}>
          {at ? t("asKnown.then", { at: instant(at) }) : t("asKnown.now")}
        </Button>
      </Popover>
      {at && <Button onClick={() => change(undefined)}>{t("asKnown.back")}</Button>}
    </Space.Compact>
  );
}

/** What the page says of another instant than now. */
export function KnownThen({ children }: { children: ReactNode }) {
  return <Alert type="warning" showIcon icon={<ClockCircleOutlined />} title={<Typography.Text strong>{children}</Typography.Text>} style={{ marginBottom: 12 }} />;
}

/** The ids of the facts that say so, folded away. */
export function Events({ events, label, names }: { events: string[]; label?: string; names?: Map<string, string> }) {
  const { t } = useTranslation("control");
  // A list has hundreds of these: what nobody opened is not made.
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{label ?? t("itinerary.facts", { count: events.length, n: events.length })}</summary>
      <ul className="control-events">
        {isOpen && events.map((event) => (
          <li key={event}>
            {names?.has(event) && <div>{names.get(event)}</div>}
            <Typography.Text className="control-id" copyable={{ text: event, tooltips: false }}>
              {event}
            </Typography.Text>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** A part that the hub is too old for. */
export function NotThere() {
  const { t } = useTranslation("control");
  return <Alert type="info" showIcon title={t("notThere")} />;
}
