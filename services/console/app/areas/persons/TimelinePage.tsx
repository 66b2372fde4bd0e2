import { Alert, Button, Flex, Form, Grid, Select, Table, Tag, Typography } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { beginOf, DAY, dayOf, iso } from "../../parts/city";
import { DayInput } from "../../parts/DayInput";
import { ReceiptTag, Withheld } from "../../parts/Page";
import { Empty, Failed, Loading } from "../../parts/states";
import { Doubt, FactLine, useFactText } from "../../parts/person/facts";
import { firstStretch, useTimeline, type FactView } from "../../parts/person/questions";
import { usePersonWords } from "../../parts/person/words";
import { useShown } from "./Person";

/** What was reported of a person between two days. */
export function TimelinePage() {
  const { t } = useTranslation("persons");
  const { person, file, asOf } = useShown();
  const { t: words, source } = usePersonWords();
  const text = useFactText();
  const wide = Grid.useBreakpoint().md ?? true;
  const [stretch, setStretch] = useState(() => firstStretch(file));
  const [kinds, setKinds] = useState<string[]>([]);
  const timeline = useTimeline(person, stretch.from, stretch.to);
  const pages = timeline.data?.pages;
  const facts = useMemo(() => pages?.flatMap((page) => page.facts) ?? [], [pages]);
  const known = useMemo(() => [...new Set(facts.map((fact) => fact.what.kind))], [facts]);
  const shown = useMemo(() => facts.filter((fact) => kinds.length === 0 || kinds.includes(fact.what.kind)).map((fact, at) => ({ fact, at })), [facts, kinds]);
  const show = ({ from, to }: { from: string; to: string }) => setStretch({ from: iso(beginOf(from)), to: iso(beginOf(to) + DAY) });
  return (
    <>
      <Typography.Paragraph type="secondary">{t("timelinePage.lead")}</Typography.Paragraph>
      {asOf && <Alert type="info" showIcon title={t("timelinePage.now")} style={{ marginBottom: 12 }} />}
      <Form layout="inline" onFinish={show} initialValues={{ from: dayOf(stretch.from), to: dayOf(Date.parse(stretch.to) - 1) }} style={{ rowGap: 8, marginBottom: 12 }}>
        <Form.Item name="from" label={t("timelinePage.from")} rules={[{ required: true, message: t("timelinePage.range") }]}>
          <DayInput />
        </Form.Item>
        <Form.Item
          name="to"
          label={t("timelinePage.to")}
          rules={[
            { required: true, message: t("timelinePage.range") },
            ({ getFieldValue }) => ({ validator: (_, to: string) => (to >= getFieldValue("from") ? Promise.resolve() : Promise.reject(new Error(t("timelinePage.range")))) }),
          ]}
        >
          <DayInput />
        </Form.Item>
        <Button htmlType="submit" loading={timeline.isFetching}>
          {t("timelinePage.show")}
        </Button>
        <Select
          mode="multiple"
          allowClear
          aria-label={t("timelinePage.kind")}
          placeholder={t("timelinePage.kindAll")}
          value={kinds}
          onChange={setKinds}
          options={known.map((kind) => ({ value: kind, label: words(`fact.${kind}`) }))}
          style={{ minWidth: 180 }}
        />
      </Form>
      {timeline.isPending && <Loading />}
      {timeline.isError && <Failed error={timeline.error} retry={() => void timeline.refetch()} />}
      {pages && (
        <>
          <Withheld of="read-timeline" groups={pages[0]?.withheld} />
          <Flex gap={12} align="center" wrap style={{ marginBottom: 8 }}>
            <Typography.Text strong>{t("timelinePage.count", { count: shown.length })}</Typography.Text>
            <ReceiptTag receipt={pages.at(-1)?.receipt} />
          </Flex>
          {shown.length === 0 ? (
            <Empty>{t("timelinePage.none")}</Empty>
          ) : (
            <Table
              virtual
              aria-label={t("timelinePage.label")}
              rowKey="at"
              size="small"
              pagination={false}
              dataSource={shown}
              scroll={{ y: 560, x: wide ? 900 : 280 }}
              columns={[
                ...(wide ? [{ title: t("timelinePage.when"), width: 230, render: (_: unknown, { fact }: { fact: FactView }) => <When fact={fact} /> }] : []),
                {
                  title: t("timelinePage.what"),
                  render: (_, { fact }) => {
                    const { first, second } = text(fact.what);
                    const reported = !wide && fact.provenance && source(fact.provenance.source);
                    return (
                      <>
                      {!wide && <When fact={fact} />}
                      <FactLine first={first} second={[second, reported].filter(Boolean).join(" · ")}>
                        <Tag variant="filled">{words(`fact.${fact.what.kind}`)}</Tag>
                        <Doubt of={fact.doubtful} />
                      </FactLine>
                      </>
                    );
                  },
                },
                ...(wide ? [{ title: t("timelinePage.source"), width: 180, render: (_: unknown, { fact }: { fact: FactView }) => (fact.provenance ? source(fact.provenance.source) : "–") }] : []),
              ]}
            />
          )}
          {timeline.hasNextPage && (
            <Button style={{ marginTop: 12 }} loading={timeline.isFetchingNextPage} onClick={() => void timeline.fetchNextPage()}>
              {t("timelinePage.more")}
            </Button>
          )}
        </>
      )}
    </>
  );
}

function When({ fact }: { fact: FactView }) {
  const { format } = usePersonWords();
  const same = fact.ended_at && format.day(fact.ended_at) === format.day(fact.started_at);
  return (
    <span className="numbers">
      {format.instant(fact.started_at)}
      {fact.ended_at && ` – ${same ? format.time(fact.ended_at) : format.instant(fact.ended_at)}`}
    </span>
  );
}
