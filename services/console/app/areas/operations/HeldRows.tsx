import { DeleteOutlined, EyeOutlined, RedoOutlined } from "@ant-design/icons";
import { Alert, Button, Checkbox, Descriptions, Drawer, Flex, Modal, Form, Input, Tag, Typography } from "antd";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFeedName } from "../../parts/feedNames";
import { FocusBack, useFocusBack } from "../../parts/focus";
import { useFormat } from "../../parts/format";
import { ReceiptTag } from "../../parts/Page";
import { StackedTable } from "../../parts/StackedTable";
import { Empty, Failed, Loading, ProblemAlert } from "../../parts/states";
import { useLanguage } from "../../text";
import { discard, listHeld, replay, showHeld, type Held, type Order } from "./ask";
import { useReasons } from "./Quarantine";

type Act = "replay" | "discard";

/** Rows that could not be used: look at one, read them again, or give them up. */
export function HeldRows({ selection }: { selection: { feed?: string; code?: string } }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const name = useFeedName();
  const [all, setAll] = useState(false);
  const [shown, setShown] = useState<Held>();
  const [ordered, setOrdered] = useState<{ act: Act; of: Omit<Order, "reason"> }>();
  const query = useInfiniteQuery({
    queryKey: ["operations", "rows", selection, all],
    queryFn: ({ pageParam }) => listHeld({ ...selection, all }, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const rows = query.data?.pages.flatMap((page) => page.rows) ?? [];
  const feed = selection.feed;
  const text = useMessage();
  const ofRow = (held: Held) => ({ feed: held.feed, batch_id: held.batch_id, row: held.row });
  return (
    <>
      <Flex wrap gap={12} align="center" style={{ marginBottom: 12 }}>
        <Checkbox checked={all} onChange={(event) => setAll(event.target.checked)}>{t("rows.all")}</Checkbox>
        <Button icon={<RedoOutlined />} disabled={!feed} onClick={() => feed && setOrdered({ act: "replay", of: { feed, code: selection.code } })}>{t("rows.replayAll")}</Button>
        <Button danger icon={<DeleteOutlined />} disabled={!feed || !selection.code} onClick={() => feed && setOrdered({ act: "discard", of: { feed, code: selection.code } })}>{t("rows.discardAll")}</Button>
        {!(feed && selection.code) && <Typography.Text type="secondary">{t("rows.chooseFirst")}</Typography.Text>}
      </Flex>
      {query.isPending ? <Loading /> : query.isError ? <Failed error={query.error} retry={() => void query.refetch()} /> : rows.length === 0 ? <Empty>{t("rows.none")}</Empty> : (
        <>
          <StackedTable<Held>
            aria-label={t("rows.table")}
            rowKey={({ batch_id, row }) => `${batch_id} ${row}`}
            size="small"
            virtual
            pagination={false}
            scroll={{ x: 1180, y: 520 }}
            dataSource={rows}
            columns={[
              { key: "feed", title: t("feeds.feed"), width: 160, ellipsis: true, render: (_, { feed }) => name(feed) },
              { key: "row", title: t("rows.row"), width: 80, align: "end", render: (_, { row }) => <span className="numbers">{format.number(row)}</span> },
              { key: "line", title: t("rows.line"), width: 80, align: "end", render: (_, { line }) => <span className="numbers">{format.number(line)}</span> },
              { key: "message", title: t("rows.message"), width: 340, ellipsis: true, render: (_, held) => <span title={text(held)}>{text(held)}</span> },
              { key: "code", title: t("quarantine.code"), width: 160, render: (_, { code }) => <Typography.Text code>{code}</Typography.Text> },
              { key: "state", title: t("rows.state"), width: 110, render: (_, { state, reason }) => <Tag title={reason ?? undefined} color={state === "open" ? "orange" : state === "resent" ? "red" : "default"}>{t(`rowState.${state}`, { defaultValue: state })}</Tag> },
              { key: "received", title: t("rows.received"), width: 180, render: (_, { received_at }) => format.instant(received_at) },
              { key: "show", width: 90, render: (_, held) => <Button size="small" icon={<EyeOutlined />} aria-label={t("rows.show", { row: held.row })} onClick={() => setShown(held)}>{t("rows.look")}</Button> },
            ]}
          />
          <Flex gap={12} align="center" style={{ marginTop: 12 }}>
            {query.hasNextPage && <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t("rows.more")}</Button>}
            <Typography.Text type="secondary">{t("rows.shown", { rows: format.number(rows.length) })}</Typography.Text>
          </Flex>
        </>
      )}
      <RowDrawer held={shown} onClose={() => setShown(undefined)} order={(act) => shown && setOrdered({ act, of: ofRow(shown) })} />
      {ordered && <OrderForm {...ordered} onClose={() => { setOrdered(undefined); setShown(undefined); }} />}
    </>
  );
}

/** What is wrong with a row, in the visitor's language. A message that does not say which column is told with it. */
function useMessage(): (held: Held) => string {
  const chinese = useLanguage() === "zh";
  return ({ field, message, message_zh }) => (chinese && message_zh) || (field && !message.includes(field) ? `${field}: ${message}` : message);
}

/** One row. Its bytes are somebody's data: they are shown when asked for, and that look is on record. */
function RowDrawer({ held, onClose, order }: { held?: Held; onClose: () => void; order: (act: Act) => void }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const reasons = useReasons();
  const name = useFeedName();
  const text = useMessage();
  const look = useMutation({ mutationFn: ({ batch_id, row }: Held) => showHeld(batch_id, row) });
  const close = () => {
    look.reset();
    onClose();
  };
  return (
    <Drawer open={held !== undefined} onClose={close} size={window.innerWidth > 720 ? 560 : "100%"} title={held && t("rows.title", { feed: name(held.feed), row: held.row })} destroyOnHidden>
      {held && <FocusBack />}
      {held && (
        <Flex vertical gap={16}>
          <Descriptions
            size="small"
            column={1}
            bordered
            items={[
              { key: "why", label: t("quarantine.why"), children: reasons(held.code).meaning },
              { key: "mend", label: t("rows.mend"), children: reasons(held.code).mend },
              { key: "message", label: t("rows.message"), children: <>{held.field && <Typography.Text code>{held.field}</Typography.Text>} {text(held)}</> },
              { key: "line", label: t("rows.line"), children: format.number(held.line) },
              { key: "batch", label: t("rows.batch"), children: <Typography.Text code copyable>{held.batch_id}</Typography.Text> },
              { key: "received", label: t("rows.received"), children: format.second(held.received_at) },
              { key: "state", label: t("rows.state"), children: t(`rowState.${held.state}`, { defaultValue: held.state }) },
              ...(held.reason ? [{ key: "reason", label: t("rows.reason"), children: held.reason }] : []),
            ]}
          />
          {look.data ? (
            <section aria-label={t("rows.bytes")}>
              <Flex gap={8} align="center" style={{ marginBottom: 8 }}><strong>{t("rows.bytes")}</strong><ReceiptTag receipt={look.data.receipt} /></Flex>
              {look.data.bytes ? <pre className="raw-row" tabIndex={0}>{readable(look.data.bytes)}</pre> : <Alert type="info" title={t("rows.gone")} />}
            </section>
          ) : (
            <Flex vertical gap={8} align="start">
              <Button icon={<EyeOutlined />} loading={look.isPending} onClick={() => look.mutate(held)}>{t("rows.showBytes")}</Button>
              <Typography.Text type="secondary">{t("rows.showHelp")}</Typography.Text>
            </Flex>
          )}
          {look.isError && <ProblemAlert error={look.error} />}
          {["open", "resent"].includes(held.state) && (
            <Flex gap={8}>
              <Button type="primary" icon={<RedoOutlined />} onClick={() => order("replay")}>{t("rows.replay")}</Button>
              <Button danger icon={<DeleteOutlined />} onClick={() => order("discard")}>{t("rows.discard")}</Button>
            </Flex>
          )}
        </Flex>
      )}
    </Drawer>
  );
}

/** The bytes as text, in the encoding that fits; what no encoding fits is marked. */
function readable(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  for (const encoding of ["utf-8", "gb18030"]) {
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes).replaceAll("\u0000", "␀");
    } catch {
      // The next encoding may fit.
    }
  }
  return new TextDecoder().decode(bytes).replaceAll("\u0000", "␀");
}

function OrderForm({ act, of, onClose }: { act: Act; of: Omit<Order, "reason">; onClose: () => void }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const queries = useQueryClient();
  useFocusBack();
  const order = useMutation({
    mutationFn: async (reason: string) => {
      if (act === "discard") return { act: "discard" as const, ...(await discard({ ...of, reason })) };
      return { act: "replay" as const, ...(await replay({ ...of, reason })) };
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["operations", "held"] });
      void queries.invalidateQueries({ queryKey: ["operations", "rows"] });
    },
  });
  const done = order.data;
  const what = of.row !== undefined && of.row !== null ? t("order.row", { feed: of.feed, row: of.row }) : of.code ? t("order.code", { feed: of.feed, code: of.code }) : t("order.feed", { feed: of.feed });
  return (
    <Modal open title={t(`order.${act}`)} footer={null} onCancel={onClose}>
      <Typography.Paragraph>{what}</Typography.Paragraph>
      {done ? (
        <Flex vertical gap={12}>
          <Alert
            type="success"
            showIcon
            title={done.act === "discard" ? t("order.discarded", { rows: format.number(done.rows) }) : t("order.replayed", { accepted: format.number(done.accepted), events: format.number(done.events) })}
            description={done.act === "replay" && t("order.rest", { duplicate: format.number(done.duplicate), superseded: format.number(done.superseded), quarantined: format.number(done.quarantined), gone: format.number(done.gone) })}
          />
          <Flex justify="space-between"><ReceiptTag receipt={done.receipt} /><Button type="primary" onClick={onClose}>{t("order.close")}</Button></Flex>
        </Flex>
      ) : (
        <Form layout="vertical" onFinish={({ reason }: { reason: string }) => order.mutate(reason)}>
          <Typography.Paragraph type="secondary">{t(`order.${act}Help`)}</Typography.Paragraph>
          <Form.Item name="reason" label={t("order.reason")} extra={t("order.reasonHelp")} rules={[{ required: true, message: t("order.reasonMissing") }]}>
            <Input maxLength={200} autoComplete="off" />
          </Form.Item>
          {order.isError && <div style={{ marginBottom: 12 }}><ProblemAlert error={order.error} /></div>}
          <Button type="primary" danger={act === "discard"} htmlType="submit" loading={order.isPending}>{t(`order.${act}`)}</Button>
        </Form>
      )}
    </Modal>
  );
}
