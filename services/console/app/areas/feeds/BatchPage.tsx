import { DownloadOutlined, EditOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Descriptions, Flex, Progress, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { download } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Page } from "../../parts/Page";
import { Asked } from "../../parts/states";
import { Version } from "../../parts/Version";
import { useLanguage } from "../../text";
import { FailedRows } from "./FailedRows";
import { canMendHere } from "./mend/file";
import { formOf, useBatch, useFeed, type Receipt } from "./model";
import { Notices } from "./Notices";
import { Outcomes } from "./Outcomes";
import { CodeTag, StateTag, useFeedName } from "./words";

/** A batch and its receipt; live while the batch is being read. */
export function BatchPage({ feed }: { feed: string }) {
  const { t } = useTranslation("feeds");
  const { second } = useFormat();
  const batch = useBatch(feed, useParams().batch);
  const detail = useFeed(feed);
  const name = useFeedName();
  return (
    <Page title={t("batch.title", { feed: name(feed, detail.data?.title) })} extra={batch.data && <><StateTag state={batch.data.state} /><Typography.Text type="secondary">{second(batch.data.received_at)}</Typography.Text></>}>
      <Asked query={batch}>
        {(receipt) => (
          <Flex vertical gap={16}>
            <ReceiptCard receipt={receipt} />
            {receipt.quarantined > 0 && (
              <Card
                size="small"
                title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("failed.title")}</h2>}
                extra={
                  <Flex gap={8} wrap>
                    <Button icon={<DownloadOutlined />} onClick={() => void download(`/v1/feeds/${feed}/batches/${receipt.batch_id}/quarantined`, fileName(receipt, detail.data?.format))}>
                      {t("failed.download")}
                    </Button>
                    {detail.data && canMendHere(formOf(detail.data)) && (
                      <Link to={`/feeds/${feed}/batches/${receipt.batch_id}/mend`}>
                        <Button type="primary" icon={<EditOutlined />}>{t("failed.mend")}</Button>
                      </Link>
                    )}
                  </Flex>
                }
              >
                <FailedRows feed={feed} batch={receipt.batch_id} isRead={receipt.state !== "processing"} />
              </Card>
            )}
          </Flex>
        )}
      </Asked>
    </Page>
  );
}

const EXTENSIONS: Record<string, string> = { delimited: "csv", ndjson: "ndjson", json: "json", xml: "xml", hl7v2: "hl7", fhir: "json", workbook: "xlsx", edifact: "edi" };

export function fileName(receipt: Receipt, format: string | undefined): string {
  return `quarantined-${receipt.batch_id}.${EXTENSIONS[format ?? ""] ?? "txt"}`;
}

/** What became of a batch; used wherever one was just pushed, too. */
export function ReceiptCard({ receipt }: { receipt: Receipt }) {
  const { t } = useTranslation("feeds");
  const { number, second, bytes } = useFormat();
  const chinese = useLanguage() === "zh";
  return (
    <Card size="small" data-receipt-state={receipt.state}>
      <Flex vertical gap={16}>
        {receipt.state === "processing" && (
          <div role="status">
            <Typography.Text>{t("batch.reading", { count: receipt.rows, rows: number(receipt.rows) })}</Typography.Text>
            <Progress percent={100} status="active" showInfo={false} aria-label={t("state.processing")} />
          </div>
        )}
        {receipt.repeated && <Alert type="info" showIcon title={t("batch.repeated")} />}
        {receipt.refusal && (
          <Alert type="error" showIcon title={<>{t("batch.refused")} <CodeTag code={receipt.refusal.code} /></>} description={(chinese && receipt.refusal.message_zh) || receipt.refusal.message} />
        )}
        {!receipt.refusal && <Outcomes of={receipt} />}
        <Notices notices={receipt.notices} />
        <Descriptions
          size="small"
          column={{ xs: 1, sm: 2, lg: 3 }}
          items={[
            { key: "id", label: t("batch.id"), children: <Typography.Text copyable={{ text: receipt.batch_id }}>{receipt.batch_id.slice(0, 8)}…</Typography.Text> },
            { key: "events", label: t("batch.events"), children: <span className="numbers">{number(receipt.events)}</span> },
            { key: "size", label: t("batches.size"), children: bytes(receipt.bytes) },
            { key: "received", label: t("batches.received"), children: second(receipt.received_at) },
            { key: "finished", label: t("batch.finished"), children: second(receipt.finished_at) },
            { key: "profile", label: t("batch.profile"), children: <Version of={receipt.profile_version} /> },
            { key: "sha", label: "SHA-256", children: <Typography.Text copyable={{ text: receipt.sha256 }}>{receipt.sha256.slice(0, 12)}…</Typography.Text> },
          ]}
        />
      </Flex>
    </Card>
  );
}
