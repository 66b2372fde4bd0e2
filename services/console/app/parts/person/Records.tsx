/** What sources state, side by side: differences in words and in colour. */
import { Grid, Pagination, Tag, Typography } from "antd";
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
  const wide = useWide();
  const head = (record: RecordView) => (
    <>
      <div>{source(record.source)}</div>
      <div className="mark quiet">{t(`sourceKind.${record.source_kind}`, { defaultValue: record.source_kind })}</div>
      {record.retracted && <Tag color="volcano">{t("retracted")}</Tag>}
    </>
  );
  const lines: [string, (record: RecordView) => ReactNode, boolean?][] = [
    [t("field.first"), (record) => format.day(record.first_time)],
    [t("field.last"), (record) => format.day(record.last_time)],
    [t("field.row"), (record) => t("batchRow", { row: record.batch_row, batch: short(record.batch_id) }), true],
    [t("field.record"), (record) => <Typography.Text code>{short(record.record_id)}</Typography.Text>, true],
  ];
  const pages = records.length > COLUMNS && <Pagination style={{ marginTop: 12 }} current={page} pageSize={COLUMNS} total={records.length} onChange={setPage} showSizeChanger={false} />;
  if (!wide) {
    return (
      <>
        <ul className="record-stack" aria-label={label}>
          {shown.map((record) => (
            <li key={record.record_id} id={`record-${record.record_id}`}>
              <div className="record-head">{head(record)}</div>
              <dl className="stacked">
                {fields.flatMap((field) => {
                  const values = field.of(record);
                  return values.length > 0 ? [<Entry key={field.name} name={t(`field.${field.name}`)} field={field} values={values} against={field.of(golden)} />] : [];
                })}
                {lines.map(([name, show]) => (
                  <div key={name}>
                    <dt>{name}</dt>
                    <dd>{show(record)}</dd>
                  </div>
                ))}
              </dl>
              {below?.(record)}
            </li>
          ))}
        </ul>
        {pages}
      </>
    );
  }
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
                  {head(record)}
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
            {lines.map(([name, show, quiet]) => (
              <Line key={name} label={name} records={shown} show={show} quiet={quiet} />
            ))}
            {below && <Line label="" records={shown} show={below} />}
          </tbody>
        </table>
      </div>
      {pages}
    </>
  );
}

/** On a phone records stand below each other, so that nothing has to be moved sideways to be read. */
const useWide = () => Grid.useBreakpoint().md ?? true;

/** A field of a record, where records stand below each other. */
function Entry({ name, ...props }: CellProps & { name: string }) {
  return (
    <div className={isOdd(props.values, props.against) ? "differs" : undefined}>
      <dt>{name}</dt>
      <dd>
        <Values {...props} />
      </dd>
    </div>
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
export function Pair({ sides, names, heads, parts, label }: { sides: [Statement, Statement]; names: [string, string]; heads: [ReactNode, ReactNode]; parts: PartView[]; label: string }) {
  const { t, format } = usePersonWords();
  const wide = useWide();
  const [left, right] = sides;
  const fields = FIELDS.filter((field) => field.of(left).length + field.of(right).length > 0);
  const partsOf = (field: FieldOf) => parts.filter((part) => field.parts.includes(part.field));
  if (!wide) {
    return (
      <div className="pair-stack" role="group" aria-label={label} data-pair>
        <div className="pair-heads">
          <div>{heads[0]}</div>
          <div>{heads[1]}</div>
        </div>
        {fields.map((field) => (
          <section key={field.name}>
            <h3>
              {t(`field.${field.name}`)} <Verdicts parts={partsOf(field)} />
            </h3>
            <dl className="stacked">
              <Entry name={names[0]} field={field} values={field.of(left)} against={field.of(right)} pair />
              <Entry name={names[1]} field={field} values={field.of(right)} against={field.of(left)} pair />
            </dl>
          </section>
        ))}
        <section>
          <h3>{t("field.last")}</h3>
          <dl className="stacked">
            {sides.map((side, at) => (
              <div key={side.record_id}>
                <dt>{names[at]}</dt>
                <dd>{format.day(side.last_time)}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    );
  }
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
                <Verdicts parts={partsOf(field)} />
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

interface CellProps {
  field: FieldOf;
  values: Stated[];
  against: Stated[];
  pair?: boolean;
}

const isOdd = (values: Stated[], against: Stated[]) => values.some((value) => among(value, against) === "differs");

function Cell(props: CellProps) {
  return (
    <td className={isOdd(props.values, props.against) ? "differs" : undefined}>
      <Values {...props} />
    </td>
  );
}

/** What a record states of a field, and how that agrees with what it is held against. */
function Values({ field, values, against, pair }: CellProps) {
  const { t } = usePersonWords();
  if (values.length === 0) return <span className="mark quiet">{t("notStated")}</span>;
  return (
    <div className="cell">
      {values.map((value) => {
        const is = among(value, against);
        return (
          <div key={value.key}>
            <Value field={field.name} of={value} /> {is === "differs" && <span className="mark differs">{t("differs")}</span>}
            {is === "fits" && <span className="mark quiet">{t("fits")}</span>}
            {is === "same" && pair && <span className="mark quiet">{t("agrees")}</span>}
            {!is && !pair && field.name !== "account" && <span className="mark quiet">{t("extra")}</span>}
          </div>
        );
      })}
    </div>
  );
}

function Value({ field, of }: { field: FieldOf["name"]; of: Stated }) {
  const { t, sex, format } = usePersonWords();
  if (of.identifier) return <Identifier of={of.identifier} />;
  if (of.phone) return <Phone of={of.phone} />;
  if (field === "account") return t(`accountState.${of.text}`, { defaultValue: of.text });
  return field === "sex" ? sex(of.text ?? "") : field === "birthDate" ? format.day(of.text) : of.text;
}
