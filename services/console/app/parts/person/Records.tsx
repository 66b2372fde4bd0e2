/** What sources state, side by side: differences in words and in colour. */
import { Pagination, Tag, Typography } from "antd";
import { useState, type ReactNode } from "react";
import { among, FIELDS, type FieldOf, type Stated, type Statement } from "./compare";
import { Identifier, Phone } from "./Golden";
import "./person.css";
import type { PartView, RecordView } from "./questions";
import { short, usePersonWords } from "./words";

const COLUMNS = 8;

/** Every record of a person beside what the file took over. */
export function RecordMatrix({ records, golden, label, below }: { records: RecordView[]; golden: Statement; label: string; below?: (record: RecordView) => ReactNode }) {
  const { t, format, source } = usePersonWords();
  const [page, setPage] = useState(1);
  const shown = records.slice((page - 1) * COLUMNS, page * COLUMNS);
  const fields = FIELDS.filter((field) => records.some((record) => field.of(record).length > 0));
  return (
    <>
      {/* A part that scrolls sideways is reached by keys. */}
      <div className="matrix-scroll" tabIndex={0} role="region" aria-label={label}>
        <table className="matrix">
          <caption className="visually-hidden">{label}</caption>
          <thead>
            <tr>
              <th scope="row">{t("field.source")}</th>
              {shown.map((record) => (
                <th scope="col" key={record.record_id} id={`record-${record.record_id}`}>
                  <div>{source(record.source)}</div>
                  <div className="mark quiet">{t(`sourceKind.${record.source_kind}`, { defaultValue: record.source_kind })}</div>
                  {record.retracted && <Tag color="volcano">{t("retracted")}</Tag>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {fields.map((field) => (
              <tr key={field.name}>
                <th scope="row">{t(`field.${field.name}`)}</th>
                {shown.map((record) => (
                  <Cell key={record.record_id} field={field} values={field.of(record)} against={field.of(golden)} />
                ))}
              </tr>
            ))}
            <Line label={t("field.first")} records={shown} show={(record) => format.day(record.first_time)} />
            <Line label={t("field.last")} records={shown} show={(record) => format.day(record.last_time)} />
            <Line label={t("field.row")} records={shown} show={(record) => t("batchRow", { row: record.batch_row, batch: short(record.batch_id) })} quiet />
            <Line label={t("field.record")} records={shown} show={(record) => <Typography.Text code>{short(record.record_id)}</Typography.Text>} quiet />
            {below && <Line label="" records={shown} show={below} />}
          </tbody>
        </table>
      </div>
      {records.length > COLUMNS && <Pagination style={{ marginTop: 12 }} current={page} pageSize={COLUMNS} total={records.length} onChange={setPage} showSizeChanger={false} />}
    </>
  );
}

function Line({ label, records, show, quiet }: { label: string; records: RecordView[]; show: (record: RecordView) => ReactNode; quiet?: boolean }) {
  return (
    <tr>
      {label ? <th scope="row">{label}</th> : <td />}
      {records.map((record) => (
        <td key={record.record_id} className={quiet ? "mark quiet" : undefined}>
          {show(record)}
        </td>
      ))}
    </tr>
  );
}

/** Two records, field by field, and what the model made of each field. */
export function Pair({ sides, heads, parts, label }: { sides: [Statement, Statement]; heads: [ReactNode, ReactNode]; parts: PartView[]; label: string }) {
  const { t, format } = usePersonWords();
  const [left, right] = sides;
  const fields = FIELDS.filter((field) => field.of(left).length + field.of(right).length > 0);
  return (
    <div className="matrix-scroll" tabIndex={0} role="region" aria-label={label} data-pair>
      <table className="matrix pair">
        <caption className="visually-hidden">{label}</caption>
        <thead>
          <tr>
            <td />
            <th scope="col">{heads[0]}</th>
            <th scope="col">{heads[1]}</th>
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <tr key={field.name}>
              <th scope="row">
                {t(`field.${field.name}`)}
                <Verdicts parts={parts.filter((part) => field.parts.includes(part.field))} />
              </th>
              <Cell field={field} values={field.of(left)} against={field.of(right)} pair />
              <Cell field={field} values={field.of(right)} against={field.of(left)} pair />
            </tr>
          ))}
          <tr>
            <th scope="row">{t("field.last")}</th>
            <td>{format.day(left.last_time)}</td>
            <td>{format.day(right.last_time)}</td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function Verdicts({ parts }: { parts: PartView[] }) {
  const { level, bits } = usePersonWords();
  return parts.map((part) => (
    <div key={part.field} className="mark quiet">
      {level(part.level)} {bits(part.weight + (part.frequency ?? 0))}
    </div>
  ));
}

function Cell({ field, values, against, pair }: { field: FieldOf; values: Stated[]; against: Stated[]; pair?: boolean }) {
  const { t } = usePersonWords();
  const judged = values.map((value) => ({ value, is: among(value, against) }));
  return (
    <td className={judged.some(({ is }) => is === "differs") ? "differs" : undefined}>
      {values.length === 0 && <span className="mark quiet">{t("notStated")}</span>}
      <div className="cell">
        {judged.map(({ value, is }) => (
          <div key={value.key}>
            <Value field={field.name} of={value} /> {is === "differs" && <span className="mark differs">{t("differs")}</span>}
            {is === "fits" && <span className="mark quiet">{t("fits")}</span>}
            {is === "same" && pair && <span className="mark quiet">{t("agrees")}</span>}
            {!is && !pair && field.name !== "account" && <span className="mark quiet">{t("extra")}</span>}
          </div>
        ))}
      </div>
    </td>
  );
}

function Value({ field, of }: { field: FieldOf["name"]; of: Stated }) {
  const { t, sex, format } = usePersonWords();
  if (of.identifier) return <Identifier of={of.identifier} />;
  if (of.phone) return <Phone of={of.phone} />;
  if (field === "account") return t(`accountState.${of.text}`, { defaultValue: of.text });
  return field === "sex" ? sex(of.text ?? "") : field === "birthDate" ? format.day(of.text) : of.text;
}
