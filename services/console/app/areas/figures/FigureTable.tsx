import { DownloadOutlined } from "@ant-design/icons";
import { Button, Flex, Tooltip, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../parts/format";
import { saveText } from "../../parts/save";
import { Scroll } from "../../parts/Scroll";
import type { Figure } from "./ask";
import "./figures.css";

/** A figure as the public sees it: rows are divisions, the last row and the last column are the totals. */
export function FigureTable({ figure }: { figure: Figure }) {
  const { t } = useTranslation("figures");
  const format = useFormat();
  const name = figure.title ?? t(`kind.${figure.kind}`, { defaultValue: figure.kind });
  const heads = [...figure.columns.map((column) => t(`column.${column}`, { defaultValue: column })), t("table.total")];
  const rows = [...figure.rows, t("table.total")];
  const cell = (value: number | null | undefined) => (typeof value === "number" ? format.number(value) : undefined);
  const save = () => {
    const lines = [[t("table.unit"), ...heads], ...rows.map((row, at) => [row, ...(figure.cells[at] ?? []).map((value) => (typeof value === "number" ? String(value) : ""))])];
    // A spreadsheet takes the text for UTF-8 by its mark.
    saveText(`${figure.kind}-${figure.as_of.slice(0, 10)}.csv`, "text/csv", `\uFEFF${lines.map((line) => line.join(",")).join("\r\n")}\r\n`);
  };
  return (
    <>
      <Scroll label={name} width="max-content">
        <table className="figure-table numbers" aria-label={name}>
          <thead>
            <tr>
              <th scope="col">{t("table.unit")}</th>
              {heads.map((head) => (
                <th key={head} scope="col">{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={row}>
                <th scope="row">{row}</th>
                {heads.map((head, column) => (
                  <td key={head}>
                    {cell(figure.cells[at]?.[column]) ?? (
                      <Tooltip title={t("table.hiddenHelp")}>
                        <span tabIndex={0} aria-label={t("table.hidden")} role="img">–</span>
                      </Tooltip>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <Flex wrap gap="4px 16px" align="center" style={{ marginTop: 8 }}>
        <Typography.Text type="secondary">{t("table.asOf", { at: format.instant(figure.as_of) })}</Typography.Text>
        <Typography.Text type="secondary">{t("table.key")}</Typography.Text>
        <Button size="small" icon={<DownloadOutlined />} onClick={save}>{t("table.csv")}</Button>
      </Flex>
    </>
  );
}
