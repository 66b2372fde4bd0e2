import { ExclamationCircleOutlined, QuestionCircleOutlined } from "@ant-design/icons";
import { Button, Grid, Table, Tag, Typography } from "antd";
import { useEffect, useRef, type ComponentRef } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";
import { dayOf } from "../../../parts/city";
import { minutesOf, useDuration } from "../time";
import { doubtOf, isInGap, type Line } from "./lines";
import { useItemWords } from "./words";

interface Props {
  lines: Line[];
  selected: number[];
  select: (indices: number[]) => void;
}

/** The same as the line of time, to be read and to be gone through with the keyboard. */
export function ItemList({ lines, selected, select }: Props) {
  const { t } = useTranslation("control");
  const { time, moment } = useFormat();
  const duration = useDuration();
  const { what } = useItemWords();
  const wide = Grid.useBreakpoint().md ?? true;
  const table = useRef<ComponentRef<typeof Table>>(null);
  const first = selected[0];
  useEffect(() => {
    if (first !== undefined) table.current?.scrollTo({ index: first });
  }, [first]);
  const long = ({ item, from, to }: Line) => (to > from ? duration(minutesOf(item)) : "");
  const when = (line: Line) => moment(line.from) + (line.to > line.from ? ` – ${sameDay(line) ? time(line.to) : moment(line.to)}` : "");
  const sameDay = ({ from, to }: Line) => dayOf(from) === dayOf(to);
  return (
    <Table<Line>
      ref={table}
      aria-label={t("itinerary.list")}
      size="small"
      virtual
      rowKey="index"
      scroll={{ x: wide ? 600 : 300, y: 480 }}
      pagination={false}
      dataSource={lines}
      rowClassName={(line) => `control-row${selected.includes(line.index) ? " control-selected" : ""}${isInGap(line, lines) ? " control-inside" : ""}`}
      onRow={({ index }) => ({ onClick: () => select([index]) })}
      showHeader={wide}
      columns={[
        ...(wide ? [{ title: t("itinerary.when"), key: "when", width: 210, render: (_: unknown, line: Line) => when(line) }] : []),
        {
          title: t("itinerary.what"),
          key: "what",
          className: "control-what",
          render: (_, line) => (
            <>
              {!wide && <div>{[when(line), long(line)].filter(Boolean).join(" · ")}</div>}
              <Button type="link" size="small" className="control-item" aria-pressed={selected.includes(line.index)} onClick={() => select([line.index])}>
                <Tag className={`control-kind ${line.item.kind}`}>{t(`kind.${line.item.kind}`, { defaultValue: line.item.kind })}</Tag>
                <span>{what(line.item)}</span>
                <Doubt line={line} />
              </Button>
            </>
          ),
        },
        ...(wide ? [{ title: t("itinerary.long"), key: "long", width: 118, align: "right" as const, render: (_: unknown, line: Line) => long(line) }] : []),
      ]}
    />
  );
}

export function Doubt({ line }: { line: Line }) {
  const { t } = useTranslation("control");
  const doubt = doubtOf(line);
  if (!doubt) return null;
  return (
    <Typography.Text type={doubt === "contradiction" ? "danger" : "warning"}>
      {doubt === "contradiction" ? <ExclamationCircleOutlined /> : <QuestionCircleOutlined />} {t(`doubt.${doubt}`)}
    </Typography.Text>
  );
}
