import { Alert, Card, Flex, Input, Typography } from "antd";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";
import type { FailedRow } from "../model";
import { CodeTag, useFailureText } from "../words";
import type { Row } from "./file";

interface Props {
  columns: string[];
  row: Row;
  failure: FailedRow | undefined;
  /** Why it would fail still, after a trial. */
  again: FailedRow | undefined;
  changes: ReadonlyMap<number, string> | undefined;
  change: (cell: number, text: string) => void;
}

/** A failed row: what is wrong with it first, then the field that it is about, then the others. */
export function RowCard({ columns: header, row, failure, again, changes, change }: Props) {
  const { t } = useTranslation("feeds");
  const { number } = useFormat();
  const text = useFailureText();
  const [showsAll, setShowsAll] = useState(false);
  const id = useId();
  const columns = row.object?.names ?? header;
  const wrong = (again ?? failure)?.field ?? failure?.field;
  // Bytes that are no text have no field; they show where they are.
  const isWrong = (at: number) => !row.isCut || columns[at] === wrong || /[\ufffd\0]/.test(row.cells[at]?.text ?? "");
  const first = row.cells.map((_, at) => at).filter((at) => isWrong(at) || changes?.has(at));
  // Where no single field is at fault, all of them are looked at.
  const shown = showsAll || first.length === 0 ? row.cells.map((_, at) => at) : first;
  const field = (at: number) => {
    const value = changes?.get(at) ?? row.cells[at]?.text ?? "";
    const isChanged = changes?.has(at) ?? false;
    const label = row.isCut ? columns[at] : t("mend.line");
    const props = {
      id: `${id}-${at}`,
      value,
      status: !isChanged && isWrong(at) ? ("error" as const) : undefined,
      onChange: (event: { target: { value: string } }) => change(at, event.target.value),
      spellCheck: false,
      autoComplete: "off",
      "data-cell": isWrong(at) ? "wrong" : "other",
    };
    return (
      <div key={at} style={{ flex: row.isCut ? "1 1 200px" : "1 1 100%", maxWidth: row.isCut ? 360 : undefined }}>
        <label htmlFor={props.id} style={{ fontSize: 12 }}>
          {label} {isChanged && <Typography.Text type="success" style={{ fontSize: 12 }}>· {t("mend.isChanged")}</Typography.Text>}
        </label>
        {row.isCut ? <Input {...props} /> : <Input.TextArea {...props} rows={linesOf(value)} style={{ fontFamily: "monospace" }} />}
      </div>
    );
  };
  return (
    <Card size="small" data-row={row.number}>
      <Flex vertical gap={8}>
        <Flex wrap gap={8} align="center">
          <strong>{failure ? t("failed.rowAt", { row: number(failure.row), line: number(failure.line) }) : t("mend.someRow")}</strong>
          {failure && <CodeTag code={failure.code} />}
          <span style={{ flex: "1 1 240px" }}>{failure && text(failure)}</span>
        </Flex>
        {again && <Alert type="warning" showIcon title={text(again)} data-again={again.code} />}
        {!row.isCut && columns.length > 0 && <Typography.Text type="secondary" style={{ fontSize: 12 }}>{t("mend.columns", { columns: columns.join(" | ") })}</Typography.Text>}
        <Flex wrap gap="8px 12px" align="end">
          {shown.map(field)}
          {row.isCut && first.length > 0 && (
            <Typography.Link role="button" tabIndex={0} onClick={() => setShowsAll(!showsAll)} onKeyDown={(event) => event.key === "Enter" && setShowsAll(!showsAll)} aria-expanded={showsAll}>
              {showsAll ? t("mend.fewer") : t("mend.others", { count: row.cells.length - first.length })}
            </Typography.Link>
          )}
        </Flex>
      </Flex>
    </Card>
  );
}

/** Lines for a text that goes on below: antd's own way of growing writes styles that the content security policy refuses. */
const linesOf = (text: string) => Math.min(8, Math.max(2, Math.ceil(text.length / 60)));
