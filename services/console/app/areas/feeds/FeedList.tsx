import { Button, Empty, Flex, Grid, Table, Tag, Typography } from "antd";
import type { ColumnsType } from "antd/es/table";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Scroll } from "../../parts/Scroll";
import { Failed, Loading } from "../../parts/states";
import { useSignedIn } from "../../session/session";
import { useFeeds, useQualities, type Day, type Feed, type Quality } from "./model";
import { useFeedName, useFormatName, useOwnerName } from "./words";

interface Line {
  feed: Feed;
  quality: Quality | undefined;
  last: Day | undefined;
}

/** The feeds that the department may push, those with something odd first. */
export function FeedList() {
  const { t } = useTranslation("feeds");
  const names = useSignedIn().feeds;
  const feeds = useFeeds(names);
  const qualities = useQualities(names);
  const failed = feeds.find((one) => one.isError);
  const lines: Line[] = feeds.flatMap((one, at) => (one.data ? [{ feed: one.data, quality: qualities[at]?.data, last: qualities[at]?.data?.days.at(-1) }] : []));
  lines.sort((a, b) => (b.quality?.alerts.length ?? 0) - (a.quality?.alerts.length ?? 0) || share(b) - share(a));
  return (
    <Page title={t("title")} extra={<Typography.Text type="secondary">{t("list.count", { count: names.length })}</Typography.Text>}>
      {names.length === 0 && <Empty description={t("list.none")} />}
      {names.length > 0 && lines.length === 0 && (failed ? <Failed error={failed.error} retry={() => feeds.forEach((one) => void one.refetch())} /> : <Loading />)}
      {lines.length > 0 && <List lines={lines} />}
    </Page>
  );
}

function share({ last }: Line): number {
  return last && last.rows > 0 ? last.quarantined / last.rows : 0;
}

function List({ lines }: { lines: Line[] }) {
  const { t } = useTranslation("feeds");
  const { number, percent, instant } = useFormat();
  const name = useFeedName();
  const owner = useOwnerName();
  const format = useFormatName();
  const wide = Grid.useBreakpoint().md ?? true;
  const title = ({ feed }: Line) => (
    <span>
      <Link to={`/feeds/${feed.feed}`} data-feed={feed.feed}><strong>{name(feed.feed, feed.title)}</strong></Link>
      <br />
      <Typography.Text type="secondary" style={{ fontSize: 12 }}>{owner(feed)}</Typography.Text>
    </span>
  );
  const health = ({ quality }: Line) =>
    !quality ? "…" : quality.alerts.length > 0 ? <Tag color="red">{t("list.alerts", { count: quality.alerts.length })}</Tag> : quality.days.length > 0 ? <Tag color="green">{t("list.healthy")}</Tag> : <Tag>{t("list.nothingYet")}</Tag>;
  const failed = (line: Line) => (
    <span className="numbers">
      <Typography.Text type={line.last?.quarantined ? "danger" : undefined}>{number(line.last?.quarantined)}</Typography.Text>
      {Boolean(line.last?.quarantined) && <Typography.Text type="secondary" style={{ fontSize: 12 }}> {percent(share(line))}</Typography.Text>}
    </span>
  );
  const push = ({ feed }: Line) => (
    <Link to={`/feeds/${feed.feed}/push`}>
      <Button size="small">{t("nav.push")}</Button>
    </Link>
  );
  const columns: ColumnsType<Line> = wide
    ? [
        { key: "title", title: t("list.feed"), width: 300, render: (_, line) => title(line) },
        { key: "health", title: t("list.health"), width: 130, render: (_, line) => health(line) },
        { key: "rows", title: t("list.rows"), align: "end", width: 120, render: (_, { last }) => <span className="numbers">{number(last?.rows)}</span> },
        { key: "failed", title: t("list.failed"), align: "end", width: 130, render: (_, line) => failed(line) },
        { key: "arrival", title: t("list.arrival"), width: 180, render: (_, { last }) => instant(last?.last_arrival) },
        { key: "format", title: t("list.format"), width: 200, render: (_, { feed }) => format(feed) },
        { key: "push", title: "", width: 90, render: (_, line) => push(line) },
      ]
    : [
        {
          key: "all",
          render: (_, line) => (
            <Flex vertical gap={6}>
              {title(line)}
              <Flex wrap gap={8} align="center">
                {health(line)}
                <span>{t("list.rows")} {number(line.last?.rows)}</span>
                <span>{t("list.failed")} {failed(line)}</span>
              </Flex>
              <Flex justify="space-between" align="center">
                <Typography.Text type="secondary" style={{ fontSize: 12 }}>{instant(line.last?.last_arrival)}</Typography.Text>
                {push(line)}
              </Flex>
            </Flex>
          ),
        },
      ];
  return (
    <Scroll label={t("title")} width={wide ? 1000 : 280}>
      <Table<Line> aria-label={t("title")} rowKey={(line) => line.feed.feed} columns={columns} dataSource={lines} pagination={false} showHeader={wide} size="middle" />
    </Scroll>
  );
}
