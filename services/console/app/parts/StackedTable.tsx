import { Grid, Table, type TableProps } from "antd";
import type { ColumnType } from "antd/es/table";
import type { ReactNode } from "react";

/** A table whose columns stand below each other on a phone, each value with its heading. */
export function StackedTable<T extends object>({ columns = [], scroll, ...rest }: TableProps<T>) {
  const wide = Grid.useBreakpoint().md ?? true;
  if (wide) return <Table<T> columns={columns} scroll={scroll} {...rest} />;
  const line = (row: T, index: number) => (
    <dl className="stacked">
      {columns.map((column: ColumnType<T>) => (
        <div key={String(column.key ?? column.dataIndex)}>
          <dt>{typeof column.title === "function" ? null : column.title}</dt>
          <dd>{valueOf(column, row, index)}</dd>
        </div>
      ))}
    </dl>
  );
  return <Table<T> columns={[{ key: "all", render: (_, row, index) => line(row, index) }]} showHeader={false} scroll={{ x: 280, ...(scroll?.y !== undefined && { y: scroll.y }) }} {...rest} />;
}

function valueOf<T extends object>({ dataIndex, render }: ColumnType<T>, row: T, index: number): ReactNode {
  const value: unknown = typeof dataIndex === "string" ? Reflect.get(row, dataIndex) : undefined;
  const shown: unknown = render ? render(value, row, index) : value;
  return (shown ?? "–") as ReactNode;
}
