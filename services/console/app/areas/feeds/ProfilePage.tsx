import { Card, Collapse, Descriptions, Flex, Grid, Input, Table, Tag, Typography, theme } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Scroll } from "../../parts/Scroll";
import { Asked } from "../../parts/states";
import { StackedTable } from "../../parts/StackedTable";
import { Version } from "../../parts/Version";
import { useLanguage } from "../../text";
import { useFeed, useReasons, type Feed, type Reason } from "./model";
import { useBasis, useFeedName, useFieldName, useFormatName, useOwnerName } from "./words";

/** What was agreed on a feed: who answers for it, on what ground, its columns, and what its codes mean. */
export function ProfilePage({ feed }: { feed: string }) {
  const { t } = useTranslation("feeds");
  const detail = useFeed(feed);
  const name = useFeedName();
  return (
    <Page title={t("profile.title", { feed: name(feed, detail.data?.title) })}>
      <Asked query={detail}>
        {(answer) => (
          <Flex vertical gap={16}>
            <Agreement feed={answer} />
            <Columns feed={answer} />
            <Reasons />
          </Flex>
        )}
      </Asked>
    </Page>
  );
}

function Agreement({ feed }: { feed: Feed }) {
  const { t } = useTranslation("feeds");
  const { number, instant } = useFormat();
  const format = useFormatName();
  const owner = useOwnerName();
  const basis = useBasis();
  const { token } = theme.useToken();
  return (
    <Card size="small">
      <Descriptions
        size="small"
        column={{ xs: 1, md: 2 }}
        items={[
          { key: "owner", label: t("profile.owner"), children: owner(feed) },
          { key: "basis", label: t("profile.basis"), children: basis(feed) },
          { key: "retention", label: t("profile.retention"), children: t("profile.days", { count: feed.retention_days, days: number(feed.retention_days) }) },
          { key: "format", label: t("list.format"), children: format(feed) },
          { key: "times", label: t("profile.times"), children: feed.time_formats.length > 0 ? feed.time_formats.map((one) => <Tag key={one}>{readable(one)}</Tag>) : "–" },
          { key: "version", label: t("profile.version"), children: <span><Version of={feed.profile_version} /> ({instant(feed.versions[0]?.first_seen)})</span> },
        ]}
      />
      <Collapse
        ghost
        size="small"
        items={[
          { key: "versions", label: t("profile.versions", { count: feed.versions.length }), children: feed.versions.map((one) => <div key={one.version} className="numbers"><Version of={one.version} /> · {instant(one.first_seen)}</div>) },
          { key: "text", label: t("profile.text"), children: <pre tabIndex={0} style={{ margin: 0, padding: 12, overflow: "auto", maxHeight: 480, background: token.colorFillQuaternary, borderRadius: 8, fontSize: 12 }}>{feed.profile}</pre> },
        ]}
      />
    </Card>
  );
}

/** `%Y-%m-%d %H:%M` as people write it. */
function readable(format: string): string {
  const parts: Record<string, string> = { Y: "YYYY", m: "MM", d: "DD", H: "hh", M: "mm", S: "ss", z: "±hhmm", f: "fff", s: "1647014400" };
  return format.replaceAll(/%\.?([A-Za-z])/g, (whole, letter: string) => parts[letter] ?? whole);
}

function Columns({ feed }: { feed: Feed }) {
  const { t } = useTranslation("feeds");
  const name = useFieldName();
  if (feed.columns.length === 0) return null;
  return (
    <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("profile.columns")}</h2>}>
      <StackedTable
        aria-label={t("profile.columns")}
        size="small"
        rowKey="field"
        pagination={false}
        dataSource={feed.columns}
        columns={[
          { key: "names", title: t("profile.names"), render: (_, one) => one.names.map((column) => <Tag key={column}>{column}</Tag>) },
          { key: "field", title: t("profile.field"), render: (_, one) => <span>{name(one.field)} <Typography.Text type="secondary" code>{one.field}</Typography.Text></span> },
          { key: "required", title: t("profile.required"), width: 140, render: (_, one) => (one.required ? <Tag color="blue">{t("profile.mustBe")}</Tag> : "–") },
        ]}
      />
    </Card>
  );
}

function Reasons() {
  const { t } = useTranslation("feeds");
  const chinese = useLanguage() === "zh";
  const reasons = useReasons();
  const [words, setWords] = useState("");
  const wide = Grid.useBreakpoint().md ?? true;
  const wanted = words.trim().toLowerCase();
  const fits = (one: Reason) => [one.code, one.meaning, one.meaning_zh].some((text) => text.toLowerCase().includes(wanted));
  return (
    <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16, whiteSpace: "nowrap" }}>{t("reason.title")}</h2>} extra={<Input.Search allowClear style={{ maxWidth: 260 }} aria-label={t("reason.search")} placeholder={t("reason.search")} value={words} onChange={(event) => setWords(event.target.value)} />}>
      <Asked query={reasons}>
        {(answer) => (
          <Scroll label={t("reason.title")} width={wide ? 640 : 280}>
            <Table
              aria-label={t("reason.title")}
              size="small"
              rowKey="code"
              pagination={{ pageSize: 10, hideOnSinglePage: true, size: "small", showSizeChanger: false }}
              dataSource={answer.filter(fits)}
              showHeader={wide}
              columns={!wide ? [{ key: "all", render: (_, one) => <Flex vertical gap={4}><span><Tag color="volcano">{one.code}</Tag></span><span>{chinese ? one.meaning_zh : one.meaning}</span><Typography.Text type="secondary">{chinese ? one.mend_zh : one.mend}</Typography.Text></Flex> }] : [
                { key: "code", title: t("failed.code"), width: 190, render: (_, one) => <Tag color="volcano">{one.code}</Tag> },
                { key: "meaning", title: t("reason.meaning"), render: (_, one) => (chinese ? one.meaning_zh : one.meaning) },
                { key: "mend", title: t("reason.how"), render: (_, one) => (chinese ? one.mend_zh : one.mend) },
              ]}
            />
          </Scroll>
        )}
      </Asked>
    </Card>
  );
}
