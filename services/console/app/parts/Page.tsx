import { Tag, Tooltip, Alert } from "antd";
import { SafetyCertificateOutlined } from "@ant-design/icons";
import { useEffect, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

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

/** Which parts of a file the role or the purpose does not open. */
export function Withheld({ groups }: { groups?: string[] }) {
  const { t } = useTranslation();
  if (!groups?.length) return null;
  const names = groups.map((group) => t(`group.${group}`)).join(", ");
  return <Alert type="info" showIcon title={t("withheld", { groups: names })} style={{ marginBottom: 16 }} />;
}
