import { Tag, Tooltip, Alert } from "antd";
import { SafetyCertificateOutlined } from "@ant-design/icons";
import { useEffect, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useSignedIn } from "../session/session";
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
    <Tooltip title={t("receiptHelp", { id: receipt.id })}>
      <Tag icon={<SafetyCertificateOutlined />} color="green" tabIndex={0} data-receipt={receipt.id}>
        {t("receipt")} {receipt.id.split("-")[0]}
      </Tag>
    </Tooltip>
  );
}

/** Which parts of a file are not shown, and why: a role that has one purpose would not see them for another. */
export function useWithheld(): (groups: string[]) => string {
  const { t } = useTranslation();
  const { list } = useFormat();
  const role = useSignedIn().role ?? "";
  const task = useTask();
  return (names) => {
    const groups = list(names.map((group) => t(`group.${group}`)));
    const isOfRole = !task || (PURPOSES[role] ?? []).length < 2;
    return isOfRole ? t("withheldRole", { groups }) : t("withheldPurpose", { groups, purpose: t(`purpose.${task.purpose}`) });
  };
}

export function Withheld({ groups }: { groups?: string[] }) {
  const say = useWithheld();
  if (!groups?.length) return null;
  return <Alert type="info" showIcon title={say(groups)} style={{ marginBottom: 16 }} />;
}
