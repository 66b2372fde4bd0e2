import { Alert } from "antd";
import { useTranslation } from "react-i18next";
import type { Notice } from "./model";

/** What is worth knowing about a file as a whole; no fault of a row. */
export function Notices({ notices }: { notices: Notice[] }) {
  const { t } = useTranslation("feeds");
  return notices.map((notice) => (
    <Alert
      key={notice.code + notice.columns.join()}
      type={notice.code === "trailer-lines" || notice.code === "sheet-chosen" ? "info" : "warning"}
      showIcon
      data-notice={notice.code}
      title={`${t(`notice.${notice.code}`, { defaultValue: notice.message, count: Number.parseInt(notice.message, 10) || 0 })}${notice.columns.length > 0 ? ` ${notice.columns.join(notice.code === "column-renamed" ? " → " : ", ")}` : ""}`}
    />
  ));
}
