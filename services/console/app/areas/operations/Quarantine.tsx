import { Button, Card, Flex, Select, Tag, Typography } from "antd";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useNavigate, useParams } from "react-router";
import { useFeedName } from "../../parts/feedNames";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Sections } from "../../parts/Sections";
import { StackedTable } from "../../parts/StackedTable";
import { Asked, Empty, NoSuchPage } from "../../parts/states";
import { useLanguage } from "../../text";
import { countHeld, listReasons, type HeldCount, type Reason } from "./ask";
import { HeldRows } from "./HeldRows";
import { Reprocess } from "./Reprocess";

/** What a reason code means, in the visitor's language. */
export function useReasons(): (code: string) => { meaning: string; mend: string } {
  const chinese = useLanguage() === "zh";
  const reasons = useQuery({ queryKey: ["operations", "reasons"], queryFn: listReasons }).data;
  return (code) => {
    const found: Reason | undefined = reasons?.find((reason) => reason.code === code);
    return { meaning: (chinese && found?.meaning_zh) || (found?.meaning ?? code), mend: (chinese && found?.mend_zh) || (found?.mend ?? "") };
  };
}

const VIEWS = ["counts", "rows", "reprocess"] as const;
const ADDRESS = "/operations/quarantine";

/** The desk of the quarantine: how many rows, of which feeds, why, and what to do about them. */
export function Quarantine() {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const passed = useLocation().state as { feed?: string } | null;
  const [chosen, setChosen] = useState<{ feed?: string; code?: string }>({ feed: passed?.feed });
  const { view = VIEWS[0] } = useParams();
  const navigate = useNavigate();
  const counts = useQuery({ queryKey: ["operations", "held"], queryFn: countHeld });
  const open = (feed: string, code?: string) => {
    setChosen({ feed, code });
    void navigate(`${ADDRESS}/rows`);
  };
  const total = counts.data?.reduce((sum, count) => sum + count.rows, 0);
  return (
    <Page title={t("quarantine.title")} extra={<Tag color={total ? "orange" : "green"}>{t("quarantine.total", { rows: format.number(total) })}</Tag>}>
      <Typography.Paragraph type="secondary">{t("quarantine.lead")}</Typography.Paragraph>
      <Asked query={counts}>
        {(counts) => (
          <>
            <Sections label={t("quarantine.title")} sections={VIEWS.map((one) => ({ to: one === VIEWS[0] ? ADDRESS : `${ADDRESS}/${one}`, label: t(`quarantine.${one}`) }))} />
            {{
              counts: counts.length === 0 ? <Empty>{t("quarantine.none")}</Empty> : <Counts counts={counts} open={open} />,
              rows: (
                <>
                  <Choice counts={counts} chosen={chosen} choose={setChosen} />
                  <HeldRows key={`${chosen.feed} ${chosen.code}`} selection={chosen} />
                </>
              ),
              reprocess: <Reprocess feeds={[...new Set(counts.map(({ feed }) => feed))]} />,
            }[view] ?? <NoSuchPage isPart to={ADDRESS} label={t("quarantine.counts")} />}
          </>
        )}
      </Asked>
    </Page>
  );
}

function Counts({ counts, open }: { counts: HeldCount[]; open: (feed: string, code?: string) => void }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const reasons = useReasons();
  const name = useFeedName();
  const feeds = [...new Set(counts.map(({ feed }) => feed))].map((feed) => {
    const own = counts.filter((count) => count.feed === feed);
    return { feed, own, rows: own.reduce((sum, { rows }) => sum + rows, 0) };
  });
  feeds.sort((a, b) => b.rows - a.rows);
  return (
    <Flex vertical gap={12}>
      {feeds.map(({ feed, own, rows }) => (
        <Card key={feed} size="small" title={<h2 style={{ fontSize: 16, margin: 0 }}>{name(feed)} <Tag className="numbers">{format.number(rows)}</Tag></h2>} extra={<Button size="small" onClick={() => open(feed)}>{t("quarantine.openFeed")}</Button>}>
          <StackedTable<HeldCount>
            aria-label={t("quarantine.ofFeed", { feed: name(feed) })}
            rowKey="code"
            size="small"
            pagination={false}
            scroll={{ x: 640 }}
            dataSource={own}
            columns={[
              { key: "rows", title: t("quarantine.rowsColumn"), width: 80, align: "end", render: (_, { rows }) => <strong className="numbers">{format.number(rows)}</strong> },
              { key: "why", title: t("quarantine.why"), render: (_, { code }) => <Flex vertical><Button type="link" style={{ padding: 0, height: "auto", whiteSpace: "normal", textAlign: "start", justifyContent: "start" }} onClick={() => open(feed, code)}>{reasons(code).meaning}</Button><Typography.Text type="secondary">{reasons(code).mend}</Typography.Text></Flex> },
              { key: "code", title: t("quarantine.code"), width: 170, render: (_, { code }) => <Typography.Text code>{code}</Typography.Text> },
              { key: "oldest", title: t("quarantine.oldest"), width: 170, render: (_, { oldest }) => format.instant(oldest) },
            ]}
          />
        </Card>
      ))}
    </Flex>
  );
}

function Choice({ counts, chosen, choose }: { counts: HeldCount[]; chosen: { feed?: string; code?: string }; choose: (chosen: { feed?: string; code?: string }) => void }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const name = useFeedName();
  const reasons = useReasons();
  const feeds = [...new Set(counts.map(({ feed }) => feed))].sort();
  const codes = counts.filter(({ feed }) => !chosen.feed || feed === chosen.feed);
  const known = [...new Set(codes.map(({ code }) => code))].sort();
  const rows = (code: string) => codes.filter((count) => count.code === code).reduce((sum, count) => sum + count.rows, 0);
  return (
    <Flex wrap gap={12} style={{ marginBottom: 12 }}>
      <Select allowClear aria-label={t("feeds.feed")} placeholder={t("quarantine.allFeeds")} style={{ minWidth: 220 }} value={chosen.feed} onChange={(feed?: string) => choose({ feed })} options={feeds.map((value) => ({ value, label: name(value) }))} />
      <Select allowClear aria-label={t("quarantine.code")} placeholder={t("quarantine.allCodes")} style={{ minWidth: 260 }} value={chosen.code} onChange={(code?: string) => choose({ ...chosen, code })} options={known.map((value) => ({ value, label: `${reasons(value).meaning} (${format.number(rows(value))})` }))} popupMatchSelectWidth={false} />
    </Flex>
  );
}
