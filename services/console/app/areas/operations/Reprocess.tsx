import { Alert, Button, Card, Col, Flex, Form, Input, Row, Select, Statistic, Table, Tag, Typography } from "antd";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFeedName } from "../../parts/feedNames";
import { useFormat } from "../../parts/format";
import { ReceiptTag } from "../../parts/Page";
import { ProblemAlert } from "../../parts/states";
import { reprocess, type Reprocessed } from "./ask";

const SAMPLE = 100;
const COUNTS = ["batches", "rows", "quarantined_before", "quarantined", "changed", "appeared", "vanished", "kept_batches"] as const;

/** All that a feed ever sent, read again with the profile of now: first what would change, then for good. */
export function Reprocess({ feeds }: { feeds: string[] }) {
  const { t } = useTranslation("operations");
  const queries = useQueryClient();
  const name = useFeedName();
  const [feed, setFeed] = useState<string>();
  const preview = useMutation({ mutationFn: (feed: string) => reprocess({ feed, preview: true, rows: SAMPLE }) });
  const apply = useMutation({
    mutationFn: ({ feed, reason }: { feed: string; reason: string }) => reprocess({ feed, preview: false, reason }),
    onSuccess: () => {
      preview.reset();
      void queries.invalidateQueries({ queryKey: ["operations", "held"] });
    },
  });
  return (
    <Flex vertical gap={16}>
      <Typography.Text type="secondary">{t("reprocess.lead")}</Typography.Text>
      <Flex wrap gap={12}>
        <Select aria-label={t("feeds.feed")} placeholder={t("feeds.feed")} style={{ minWidth: 240 }} value={feed} onChange={(feed) => { setFeed(feed); preview.reset(); apply.reset(); }} options={feeds.map((value) => ({ value, label: name(value) }))} />
        <Button type="primary" disabled={!feed} loading={preview.isPending} onClick={() => feed && preview.mutate(feed)}>{t("reprocess.preview")}</Button>
      </Flex>
      {preview.isError && <ProblemAlert error={preview.error} />}
      {apply.isError && <ProblemAlert error={apply.error} />}
      {preview.data && (
        <>
          <Changes done={preview.data} />
          <Card size="small" title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("reprocess.apply")}</h2>}>
            <Typography.Paragraph type="secondary">{t("reprocess.applyHelp")}</Typography.Paragraph>
            <Form layout="vertical" onFinish={({ reason }: { reason: string }) => feed && apply.mutate({ feed, reason })}>
              <Form.Item name="reason" label={t("order.reason")} extra={t("order.reasonHelp")} rules={[{ required: true, message: t("order.reasonMissing") }]}><Input maxLength={200} autoComplete="off" /></Form.Item>
              <Button danger htmlType="submit" loading={apply.isPending}>{t("reprocess.apply")}</Button>
            </Form>
          </Card>
        </>
      )}
      {apply.data && <Changes done={apply.data} />}
    </Flex>
  );
}

function Changes({ done }: { done: Reprocessed & { receipt?: { id: string } } }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const same = done.changed + done.appeared + done.vanished === 0;
  return (
    <Card size="small" title={<h2 style={{ fontSize: 16, margin: 0 }}>{t(done.preview ? "reprocess.would" : "reprocess.did")}</h2>} extra={<ReceiptTag receipt={done.receipt} />}>
      <Row gutter={[12, 12]}>
        {COUNTS.map((name) => <Col key={name} xs={12} sm={6}><Statistic title={t(`reprocess.${name}`)} value={format.number(done[name])} /></Col>)}
      </Row>
      {same && <Alert type="success" showIcon title={t("reprocess.same")} style={{ marginTop: 12 }} />}
      {done.changes.length > 0 && (
        <Table
          aria-label={t("reprocess.changes")}
          rowKey={({ batch_id, row, event }) => `${batch_id} ${row} ${event}`}
          size="small"
          virtual
          pagination={false}
          scroll={{ x: 700, y: 320 }}
          style={{ marginTop: 12 }}
          dataSource={done.changes}
          columns={[
            { key: "kind", title: t("reprocess.kind"), width: 110, render: (_, { kind }) => <Tag>{t(`changeKind.${kind}`, { defaultValue: kind })}</Tag> },
            { key: "row", title: t("rows.row"), width: 90, align: "end", render: (_, { row }) => <span className="numbers">{format.number(row)}</span> },
            { key: "event", title: t("reprocess.event"), width: 200, dataIndex: "event" },
            { key: "fields", title: t("reprocess.fields"), width: 300, render: (_, { fields }) => fields.map(({ field }) => <Tag key={field}>{field}</Tag>) },
          ]}
        />
      )}
    </Card>
  );
}
