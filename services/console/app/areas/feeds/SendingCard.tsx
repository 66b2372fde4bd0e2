import { Alert, Button, Card, Flex, Progress, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFormat } from "../../parts/format";
import { ProblemAlert } from "../../parts/states";
import { ReceiptCard } from "./BatchPage";
import { FailedTable } from "./FailedRows";
import { useBatch, type DryRun, type Receipt } from "./model";
import { Notices } from "./Notices";
import { Outcomes } from "./Outcomes";
import type { Sending } from "./useSending";

/** Where a file is: on its way, being read, done, refused. */
export function SendingCard({ feed, sending, stop }: { feed: string; sending: Sending; stop: () => void }) {
  const { t } = useTranslation("feeds");
  const { bytes } = useFormat();
  if (sending.busy) {
    const percent = sending.total > 0 ? Math.floor((100 * sending.sent) / sending.total) : 0;
    return (
      <Card size="small" role="status">
        <Flex vertical gap={8}>
          <strong>{t(percent < 100 ? "push.sending" : sending.busy === "try" ? "push.trying" : "push.storing")}</strong>
          <Progress percent={percent} status="active" aria-label={t("push.sending")} />
          <Flex justify="space-between" align="center">
            <Typography.Text type="secondary" className="numbers">{t("push.sent", { sent: bytes(sending.sent), total: bytes(sending.total) })}</Typography.Text>
            <Button size="small" onClick={stop}>{t("cancel", { ns: "common" })}</Button>
          </Flex>
        </Flex>
      </Card>
    );
  }
  if (sending.error) return <ProblemAlert error={sending.error} />;
  if (sending.tried) return <Tried feed={feed} run={sending.tried} />;
  if (sending.pushed) return <Pushed feed={feed} first={sending.pushed} />;
  return null;
}

function Tried({ feed, run }: { feed: string; run: DryRun }) {
  const { t } = useTranslation("feeds");
  const { number } = useFormat();
  const fine = run.quarantined === 0;
  return (
    <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("tried.title")}</h2>} data-tried={run.rows}>
      <Flex vertical gap={16}>
        <Alert type={fine ? "success" : "warning"} showIcon title={fine ? t("tried.fine") : t("tried.some", { count: run.quarantined, failed: number(run.quarantined) })} description={t("tried.nothing")} />
        <Outcomes of={run} wouldBe />
        <Typography.Text type="secondary">{t("tried.events", { count: run.events, events: number(run.events) })}</Typography.Text>
        <Notices notices={run.notices} />
        {run.failures.length > 0 && <FailedTable feed={feed} rows={run.failures} isTrial />}
        {run.failures.length < run.quarantined && <Typography.Text type="secondary">{t("tried.first", { count: run.failures.length })}</Typography.Text>}
      </Flex>
    </Card>
  );
}

/** The receipt of what was just pushed, live until its last row is read. */
function Pushed({ feed, first }: { feed: string; first: Receipt }) {
  const { t } = useTranslation("feeds");
  const live = useBatch(feed, first.batch_id);
  // Whether it was a repeat is told once, in the answer to the push.
  const receipt = { ...(live.data ?? first), repeated: first.repeated };
  return (
    <Flex vertical gap={8} data-pushed={receipt.batch_id}>
      <ReceiptCard receipt={receipt} />
      <Link to={`/feeds/${feed}/batches/${receipt.batch_id}`}>{t(receipt.quarantined > 0 ? "push.toFailed" : "push.toBatch")}</Link>
    </Flex>
  );
}
