import { useQuery } from "@tanstack/react-query";
import { Alert, Pagination, Flex, Typography } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { useFormat } from "../../../parts/format";
import { Page } from "../../../parts/Page";
import { Asked, Empty, Failed, Loading } from "../../../parts/states";
import { failedFile, formOf, useBatch, useFailedRows, useFeed, type FailedRow, type Feed } from "../model";
import { SendingCard } from "../SendingCard";
import { useSending } from "../useSending";
import { useFeedName } from "../words";
import { Foot } from "./Foot";
import { canMendHere, readFile, writeFile, type FailedFile } from "./file";
import { RowCard } from "./RowCard";

/** Rows that are mended here; more come as a file. */
const ROWS_MAX = 2_000;
const PAGE = 10;

/** Failed rows, mended in the browser and pushed again as mends of their batch. */
export function Mend({ feed }: { feed: string }) {
  const { t } = useTranslation("feeds");
  const detail = useFeed(feed);
  const name = useFeedName();
  const batch = useParams().batch ?? "";
  return (
    <Page title={t("mend.title", { feed: name(feed, detail.data?.title) })} extra={<Link to={`/feeds/${feed}/batches/${batch}`}>{t("mend.back")}</Link>}>
      <Asked query={detail}>{(answer) => (canMendHere(formOf(answer)) ? <Load feed={answer} batch={batch} /> : <Alert type="info" showIcon title={t("mend.notHere")} />)}</Asked>
    </Page>
  );
}

function Load({ feed, batch }: { feed: Feed; batch: string }) {
  const { t } = useTranslation("feeds");
  const receipt = useBatch(feed.feed, batch);
  const failures = useFailedRows(feed.feed, batch, false);
  const isSmall = (receipt.data?.quarantined ?? Infinity) <= ROWS_MAX;
  const file = useQuery({
    queryKey: ["feed-failed-file", feed.feed, batch],
    enabled: receipt.isSuccess && isSmall,
    // The rows are personal: they are gone with the page.
    gcTime: 0,
    queryFn: async () => readFile(await failedFile(feed.feed, batch), formOf(feed)),
  });
  const known = useMemo(() => (failures.data?.pages ?? []).flatMap((page) => page.quarantined), [failures.data]);
  if (failures.hasNextPage && !failures.isFetchingNextPage && isSmall) void failures.fetchNextPage();
  if (receipt.isError) return <Failed error={receipt.error} retry={() => void receipt.refetch()} />;
  if (receipt.isSuccess && !isSmall) return <Alert type="info" showIcon title={t("mend.tooMany")} />;
  if (file.isError) return <Failed error={file.error} retry={() => void file.refetch()} />;
  if (!file.data || failures.isPending) return <Loading />;
  if (file.data.rows.length === 0) return <Empty>{t("failed.none")}</Empty>;
  return <Desk feed={feed} batch={batch} file={file.data} failures={known} />;
}

function Desk({ feed, batch, file, failures }: { feed: Feed; batch: string; file: FailedFile; failures: FailedRow[] }) {
  const { t } = useTranslation("feeds");
  const { number } = useFormat();
  const [changes, setChanges] = useState<ReadonlyMap<number, ReadonlyMap<number, string>>>(new Map());
  const [page, setPage] = useState(1);
  const [unwritable, setUnwritable] = useState<string>();
  const [sent, setSent] = useState<number[]>([]);
  const { start, clear, ...sending } = useSending(feed.feed);
  const byNumber = useMemo(() => new Map(failures.map((one) => [one.row, one])), [failures]);
  // A trial counts the rows of what was sent; here they are those of the page.
  const stillWrong = new Map((sending.tried?.failures ?? []).map((one) => [sent[one.row - 1], one]));
  const change = (row: number, cell: number, text: string) => {
    const cells = new Map(changes.get(row));
    if (text === file.rows[row]?.cells[cell]?.text) cells.delete(cell);
    else cells.set(cell, text);
    const next = new Map(changes);
    if (cells.size > 0) next.set(row, cells);
    else next.delete(row);
    setChanges(next);
    setUnwritable(undefined);
  };
  const send = (kind: "try" | "push") => {
    try {
      const made = writeFile(file, changes);
      setSent(made.sent);
      void start(kind, made.blob, batch);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      setUnwritable(error.message);
    }
  };
  const from = (page - 1) * PAGE;
  return (
    <Flex vertical gap={12}>
      {!sending.pushed && <Typography.Paragraph type="secondary" style={{ margin: 0 }}>{t("mend.help", { count: file.rows.length, rows: number(file.rows.length) })}</Typography.Paragraph>}
      {sending.pushed ? (
        <SendingCard feed={feed.feed} sending={sending} stop={clear} />
      ) : (
        <>
          {file.rows.slice(from, from + PAGE).map((row, at) => (
            <RowCard
              key={from + at}
              columns={file.columns}
              row={row}
              failure={row.number === undefined ? failures[from + at] : byNumber.get(row.number)}
              again={stillWrong.get(from + at)}
              changes={changes.get(from + at)}
              change={(cell, text) => change(from + at, cell, text)}
            />
          ))}
          <Pagination current={page} pageSize={PAGE} total={file.rows.length} onChange={setPage} hideOnSinglePage showSizeChanger={false} size="small" />
          {unwritable && <Alert type="error" showIcon title={t("mend.unwritable", { character: unwritable, encoding: file.form.encoding })} />}
          <SendingCard feed={feed.feed} sending={sending} stop={clear} />
          <Foot changed={changes.size} total={file.rows.length} busy={Boolean(sending.busy)} send={send} reset={() => { setChanges(new Map()); clear(); }} />
        </>
      )}
    </Flex>
  );
}
