import { ExclamationCircleOutlined, QuestionCircleOutlined } from "@ant-design/icons";
import { Button, Table, Tag, Typography } from "antd";
import { useEffect, useRef, type ComponentRef } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";
import { minutesOf, useDuration, useMoment } from "../time";
import { doubtOf, type Line } from "./lines";
import { useItemWords } from "./words";

interface Props {
  lines: Line[];
  selected: number[];
  select: (indices: number[]) => void;
}

/** The same as the line of time, to be read and to be gone through with the keyboard. */
export function ItemList({ lines, selected, select }: Props) {
  const { t } = useTranslation("control");
  const { time } = useFormat();
  const moment = useMoment();
  const duration = useDuration();
  const { what } = useItemWords();
  const table = useRef<ComponentRef<typeof Table>>(null);
  const first = selected[0];
  useEffect(() => {
    if (first !== undefined) table.current?.scrollTo({ index: first });
  }, [first]);
  const sameDay = ({ from, to }: Line) => new Date(from).toDateString() === new Date(to).toDateString();
  return (
    <Table<Line>
      ref={table}
      aria-label={t("itinerary.list")}
      size="small"
      virtual
      rowKey="index"
      scroll={{ x: 600, y: 480 }}
      pagination={false}
      dataSource={lines}
      rowClassName={({ index }) => (selected.includes(index) ? "control-selected control-row" : "control-row")}
      onRow={({ index }) => ({ onClick: () => select([index]) })}
      columns={[
        {
          title: t("itinerary.when"),
          key: "when",
          width: 210,
          render: (_, line) => (
            <>
              {moment(line.from)}
              {line.to > line.from && <> – {sameDay(line) ? time(line.to) : moment(line.to)}</>}
            </>
          ),
        },
        {
          title: t("itinerary.what"),
          key: "what",
          render: (_, line) => (
            <Button type="link" size="small" className="control-item" aria-pressed={selected.includes(line.index)} onClick={() => select([line.index])}>
              <Tag className={`control-kind ${line.item.kind}`}>{t(`kind.${line.item.kind}`, { defaultValue: line.item.kind })}</Tag>
              <span>{what(line.item)}</span>
              <Doubt line={line} />
            </Button>
          ),
        },
        { title: t("itinerary.long"), key: "long", width: 118, align: "right", render: (_, { item, from, to }) => (to > from ? duration(minutesOf(item)) : "") },
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
