import { Button, Flex, Grid, Select, Switch, Table, Typography } from "antd";
import type { ColumnsType } from "antd/es/table";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFormat } from "../../parts/format";
import { Scroll } from "../../parts/Scroll";
import { Empty, Failed, Loading } from "../../parts/states";
import { useFailedRows, type FailedRow } from "./model";
import { CodeTag, StateTag, useFailureText, useMeaning } from "./words";

/** Rows of a batch that could not be used, and why; the rows themselves are in the file. */
export function FailedRows({ feed, batch, isRead }: { feed: string; batch: string; isRead: boolean }) {
  const { t } = useTranslation("feeds");
  const { number } = useFormat();
  const [all, setAll] = useState(false);
  const [code, setCode] = useState("");
  const meaning = useMeaning();
  const failed = useFailedRows(feed, batch, all, isRead);
  const rows = useMemo(() => (failed.data?.pages ?? []).flatMap((page) => page.quarantined), [failed.data]);
  const codes = new Map<string, number>();
  for (const row of rows) codes.set(row.code, (codes.get(row.code) ?? 0) + 1);
  const shown = code && codes.has(code) ? rows.filter((row) => row.code === code) : rows;
  if (!isRead) return <Typography.Text type="secondary">{t("failed.later")}</Typography.Text>;
  if (failed.isError && rows.length === 0) return <Failed error={failed.error} retry={() => void failed.refetch()} />;
  return (
    <Flex vertical gap={12}>
      <Flex wrap gap="8px 16px" align="center">
        {codes.size > 1 && (
          <Select aria-label={t("failed.byCode")} value={code} style={{ width: 420, maxWidth: "100%" }} popupMatchSelectWidth={false} onChange={setCode} options={[{ value: "", label: `${t("all", { ns: "common" })} ${number(rows.length)}` }, ...[...codes].sort((a, b) => b[1] - a[1]).map(([value, count]) => ({ value, label: `${meaning(value)} ${number(count)}` }))]} />
        )}
        <Flex gap={8} align="center">
          <Switch size="small" checked={all} onChange={setAll} aria-label={t("failed.all")} />
          <span aria-hidden>{t("failed.all")}</span>
        </Flex>
      </Flex>
      {failed.isPending ? <Loading rows={3} /> : rows.length === 0 ? <Empty>{t("failed.none")}</Empty> : <FailedTable feed={feed} rows={shown} />}
      {failed.hasNextPage && <Button loading={failed.isFetchingNextPage} onClick={() => void failed.fetchNextPage()}>{t("batches.more")}</Button>}
    </Flex>
  );
}

export function FailedTable({ feed, rows, isTrial = false }: { feed: string; rows: FailedRow[]; isTrial?: boolean }) {
  const { t } = useTranslation("feeds");
  const { number } = useFormat();
  const text = useFailureText();
  const wide = Grid.useBreakpoint().md ?? true;
  const state = (row: FailedRow) => (
    <>
      <StateTag state={row.state} />
      {row.mended_by && <Link to={`/feeds/${feed}/batches/${row.mended_by.batch_id}`}>{t("failed.mendedBy", { row: number(row.mended_by.row) })}</Link>}
      {row.resolution && <Typography.Text type="secondary"> {row.resolution}</Typography.Text>}
    </>
  );
  const columns: ColumnsType<FailedRow> = wide
    ? [
        { key: "row", title: t("failed.row"), width: 80, align: "end", render: (_, row) => <span className="numbers" data-failed={row.row}>{number(row.row)}</span> },
        { key: "line", title: t("failed.line"), width: 80, align: "end", render: (_, row) => <span className="numbers">{number(row.line)}</span> },
        { key: "code", title: t("failed.code"), width: 170, render: (_, row) => <CodeTag code={row.code} /> },
        { key: "field", title: t("failed.field"), width: 150, render: (_, row) => row.field ?? "–" },
        { key: "why", title: t("failed.why"), width: 440, render: (_, row) => text(row) },
        ...(isTrial ? [] : [{ key: "state", title: t("batches.state"), width: 170, render: (_: unknown, row: FailedRow) => state(row) }]),
      ]
    : [
        {
          key: "all",
          render: (_, row) => (
            <Flex vertical gap={4} data-failed={row.row}>
              <Flex wrap gap={4} align="center">
                <strong>{t("failed.rowAt", { row: number(row.row), line: number(row.line) })}</strong>
                <CodeTag code={row.code} />
                {!isTrial && state(row)}
              </Flex>
              <span>{text(row)}</span>
            </Flex>
          ),
        },
      ];
  const isLong = rows.length > 30;
  const width = wide ? 1090 : 260;
  const table = <Table<FailedRow> virtual={isLong} aria-label={t("failed.title")} rowKey="row" size="small" columns={columns} dataSource={rows} pagination={false} showHeader={wide} scroll={isLong ? { x: width, y: 480 } : undefined} />;
  return isLong ? table : <Scroll label={t("failed.title")} width={width}>{table}</Scroll>;
}
