import { Tag, Tooltip, Alert } from "antd";
import { SafetyCertificateOutlined } from "@ant-design/icons";
import { useEffect, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useMe, useSignedIn } from "../session/session";
import { PURPOSES, useTask } from "../session/task";
import { useFormat } from "./format";

/** A page: one heading, its actions, what it holds. */
export function Page({ title, extra, children }: { title: string; extra?: ReactNode; children: ReactNode }) {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = `${title} · ${t("name")}`;
  }, [title, t]);
  return (
    <>
      <div className="page-head">
        <h1>{title}</h1>
        {extra}
      </div>
      {children}
    </>
  );
}

/** That an answer is on record, with the number of its entry. */
export function ReceiptTag({ receipt }: { receipt?: { id: string } }) {
  const { t } = useTranslation();
  if (!receipt) return null;
  return (
    <Tooltip trigger={["hover", "focus"]} title={t("receiptHelp", { id: receipt.id })}>
      <Tag icon={<SafetyCertificateOutlined />} color="green" tabIndex={0} data-receipt={receipt.id}>
        {t("receipt")} {receipt.id.split("-")[0]}
      </Tag>
    </Tooltip>
  );
}

/** What was asked, as the hub calls it. */
export type Action =
  | "find-persons" | "read-person" | "read-records" | "read-timeline" | "read-itinerary" | "read-contacts" | "read-health-code" | "read-links" | "read-lineage"
  | "read-cases" | "read-follow-ups" | "read-signals" | "read-unit" | "read-residents" | "list-reviews" | "read-review" | "read-decisions";

/** The field groups that each purpose of the caller opens to a question, as the hub decides: asked by those who have a choice of purposes. */
function useOpeners(action: Action, isAsked: boolean): Map<string, string[]> {
  const session = useSignedIn();
  const hasChoice = (PURPOSES[session.role ?? ""] ?? []).length > 1;
  const { data } = useMe(isAsked && hasChoice);
  return new Map((data?.may ?? []).map(({ purpose, opens }) => [purpose, opens[action] ?? []]));
}

/** Which parts of an answer are not shown, and why: what the role is never told, and what another purpose of the caller opens. */
export function useWithheld(action: Action, isAsked = true): (groups: string[]) => string {
  const { t } = useTranslation();
  const { list } = useFormat();
  const task = useTask();
  const openers = useOpeners(action, isAsked);
  return (groups) => {
    const named = (some: string[]) => list(some.map((group) => t(`group.${group}`)));
    const others = [...openers].filter(([purpose]) => purpose !== task?.purpose);
    const opened = others.map(([purpose, opens]) => [purpose, groups.filter((group) => opens.includes(group))] as const).filter(([, some]) => some.length > 0);
    const never = groups.filter((group) => !opened.some(([, some]) => some.includes(group)));
    return [
      ...opened.map(([purpose, some]) => t("withheldPurpose", { groups: named(some), purpose: t(`purpose.${task?.purpose}`), other: t(`purpose.${purpose}`) })),
      ...(never.length > 0 ? [t("withheldRole", { groups: named(never) })] : []),
    ].join(t("sentences"));
  };
}

export function Withheld({ groups, of }: { groups?: string[]; of: Action }) {
  const isAny = Boolean(groups?.length);
  const say = useWithheld(of, isAny);
  if (!groups || !isAny) return null;
  return <Alert type="info" showIcon title={say(groups)} style={{ marginBottom: 16 }} data-withheld={groups.join(" ")} />;
}
