import { Button, Flex, Grid, Select, Table, Typography } from "antd";
import type { ColumnsType } from "antd/es/table";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Empty, Failed, Loading } from "../../parts/states";
import { useBatches, useFeed, useReasons, type Receipt } from "./model";
import { OutcomeBar, OUTCOMES } from "./Outcomes";
import { StateTag, useFeedName, useMeaning } from "./words";

/** The batches of a feed, the newest first, page by page. */
export function Batches({ feed }: { feed: string }) {
  const { t } = useTranslation("feeds");
  const { number } = useFormat();
  const [address, setAddress] = useSearchParams();
  const value = (name: string) => address.get(name) ?? undefined;
  const filter = { state: value("state"), outcome: value("outcome"), code: value("code") };
  const batches = useBatches(feed, filter);
  const reasons = useReasons();
  const meaning = useMeaning();
  const name = useFeedName();
  const title = useFeed(feed).data?.title;
  const rows = (batches.data?.pages ?? []).flatMap((page) => page.batches);
  const choose = (member: string, chosen: string | undefined) => {
    const next = new URLSearchParams(address);
    if (chosen) next.set(member, chosen);
    else next.delete(member);
    setAddress(next, { replace: true });
  };
  const filters: [string, string, { value: string; label: string }[]][] = [
    ["state", t("batches.state"), ["processing", "done", "refused"].map((one) => ({ value: one, label: t(`state.${one}`) }))],
    ["outcome", t("batches.outcome"), OUTCOMES.map((one) => ({ value: one, label: t(`outcome.${one}`) }))],
    ["code", t("batches.code"), (reasons.data ?? []).map(({ code }) => ({ value: code, label: meaning(code) }))],
  ];
  return (
    <Page title={t("batches.title", { feed: name(feed, title) })} extra={<Link to={`/feeds/${feed}/push`}><Button type="primary">{t("nav.push")}</Button></Link>}>
      <Flex wrap gap={8} style={{ marginBottom: 12 }}>
        {filters.map(([member, label, options]) => (
          <Select key={member} allowClear showSearch={{ optionFilterProp: "label" }} popupMatchSelectWidth={false} aria-label={label} placeholder={label} value={value(member)} options={options} onChange={(chosen?: string) => choose(member, chosen)} style={{ flex: "1 1 150px", maxWidth: 240 }} />
        ))}
        <Button onClick={() => void batches.refetch()} loading={batches.isRefetching}>{t("batches.refresh")}</Button>
      </Flex>
      {batches.isPending && <Loading />}
      {batches.isError && rows.length === 0 && <Failed error={batches.error} retry={() => void batches.refetch()} />}
      {batches.data && (rows.length > 0 ? <List feed={feed} batches={rows} /> : <Empty>{t("batches.none")}</Empty>)}
      <Flex gap={12} align="center" style={{ marginTop: 12 }}>
        {rows.length > 0 && <Typography.Text type="secondary" role="status">{t("batches.loaded", { count: rows.length, shown: number(rows.length) })}</Typography.Text>}
        {batches.hasNextPage && <Button size="small" loading={batches.isFetchingNextPage} onClick={() => void batches.fetchNextPage()}>{t("batches.more")}</Button>}
      </Flex>
    </Page>
  );
}

function List({ feed, batches }: { feed: string; batches: Receipt[] }) {
  const { t } = useTranslation("feeds");
  const { number, second, bytes } = useFormat();
  const wide = Grid.useBreakpoint().md ?? true;
  const link = (batch: Receipt) => <Link to={`/feeds/${feed}/batches/${batch.batch_id}`} data-batch={batch.batch_id}>{second(batch.received_at)}</Link>;
  const count = (key: (typeof OUTCOMES)[number]) => ({
    key,
    title: t(`outcome.${key}`),
    align: "end" as const,
    width: 110,
    render: (_: unknown, batch: Receipt) => (
      <Typography.Text className="numbers" type={key === "quarantined" && batch.quarantined > 0 ? "danger" : undefined}>{number(batch[key])}</Typography.Text>
    ),
  });
  const columns: ColumnsType<Receipt> = wide
    ? [
        { key: "at", title: t("batches.received"), width: 190, render: (_, batch) => link(batch) },
        { key: "state", title: t("batches.state"), width: 120, render: (_, batch) => <StateTag state={batch.state} /> },
        { key: "rows", title: t("outcome.rows"), align: "end", width: 100, render: (_, batch) => <strong className="numbers">{number(batch.rows)}</strong> },
        ...OUTCOMES.map(count),
        { key: "bar", title: t("batches.bar"), width: 160, render: (_, batch) => batch.rows > 0 && <OutcomeBar of={batch} height={8} /> },
        { key: "bytes", title: t("batches.size"), align: "end", width: 100, render: (_, batch) => bytes(batch.bytes) },
      ]
    : [
        {
          key: "all",
          render: (_, batch) => (
            <Flex vertical gap={4}>
              <Flex justify="space-between" wrap gap={4}>
                {link(batch)}
                <StateTag state={batch.state} />
              </Flex>
              <OutcomeBar of={batch} height={8} />
              <Typography.Text type="secondary" style={{ fontSize: 12 }}>
                {t("outcome.rows")} {number(batch.rows)} · {t("outcome.quarantined")} {number(batch.quarantined)} · {bytes(batch.bytes)}
              </Typography.Text>
            </Flex>
          ),
        },
      ];
  return (
    <Table<Receipt>
      virtual
      aria-label={t("nav.batches")}
      rowKey="batch_id"
      size="small"
      columns={columns}
      dataSource={batches}
      pagination={false}
      showHeader={wide}
      scroll={{ x: wide ? 1110 : 300, y: Math.max(320, window.innerHeight - 360) }}
    />
  );
}
