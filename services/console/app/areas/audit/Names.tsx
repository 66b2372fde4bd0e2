import { App, Button, Card, Descriptions, Flex, Form, Input, InputNumber, Modal, Popconfirm, Tag, Typography } from "antd";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { StackedTable } from "../../parts/StackedTable";
import { useTranslation } from "react-i18next";
import { Problem } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { Asked, Empty, ProblemAlert } from "../../parts/states";
import { useSignedIn } from "../../session/session";
import { approveName, askName, listNames, showName, type NameRequest } from "./ask";
import { ReasonSelect } from "./Entry";
import { Handle, NotOffered, useCodes } from "./words";

const KEY = ["audit", "names"];

/** A handle becomes a name with a second person, and once. */
export function Names() {
  const { t } = useTranslation("audit");
  const session = useSignedIn();
  const query = useQuery({ queryKey: KEY, queryFn: listNames });
  const missing = query.error instanceof Problem && query.error.code === "route-unknown";
  return (
    <Page title={t("names.title")} extra={<ReceiptTag receipt={query.data?.receipt} />}>
      <Typography.Paragraph type="secondary">{t("names.lead")}</Typography.Paragraph>
      {missing ? <NotOffered /> : (
        <>
          {session.role === "auditor" && <AskForName />}
          <Asked query={query}>{({ requests }) => (requests.length ? <Requests requests={requests} /> : <Empty>{t("names.none")}</Empty>)}</Asked>
        </>
      )}
    </Page>
  );
}

function AskForName() {
  const { t } = useTranslation("audit");
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [reason, setReason] = useState("NO_RELATION");
  const ask = useMutation({
    mutationFn: ({ subject, index }: { subject: string; index: number }) => askName(subject.trim(), index, reason),
    onSuccess: () => {
      void message.success(t("names.asked"));
      void queries.invalidateQueries({ queryKey: KEY });
    },
  });
  return (
    <Card size="small" title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("names.ask")}</h2>} style={{ marginBottom: 16 }}>
      <Form layout="vertical" onFinish={(asked: { subject: string; index: number }) => ask.mutate(asked)}>
        <Flex wrap gap="0 12px">
          <Form.Item name="subject" label={t("names.subject")} rules={[{ required: true, pattern: /^[0-9a-f]{32}$/, message: t("log.subjectWrong") }]} style={{ flex: "1 1 300px" }}><Input autoComplete="off" /></Form.Item>
          <Form.Item name="index" label={t("names.index")} rules={[{ required: true, message: t("names.index") }]}><InputNumber min={0} precision={0} style={{ width: 160 }} /></Form.Item>
          <Form.Item label={t("names.reason")}><ReasonSelect value={reason} onChange={setReason} label={t("names.reason")} /></Form.Item>
        </Flex>
        <Button type="primary" htmlType="submit" loading={ask.isPending}>{t("names.send")}</Button>
      </Form>
      {ask.isError && <div style={{ marginTop: 12 }}><ProblemAlert error={ask.error} /></div>}
    </Card>
  );
}

function Requests({ requests }: { requests: NameRequest[] }) {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const codes = useCodes();
  const queries = useQueryClient();
  const own = useSignedIn().handle;
  const refresh = () => void queries.invalidateQueries({ queryKey: KEY });
  const approve = useMutation({ mutationFn: approveName, onSuccess: refresh });
  const show = useMutation({ mutationFn: showName, onSuccess: refresh });
  const colours = { asked: "gold", approved: "blue", shown: "default" };
  const act = (request: NameRequest) => {
    if (request.state === "asked" && request.asked_by === own) return <Typography.Text type="secondary">{t("names.own")}</Typography.Text>;
    if (request.state === "asked") return <Button size="small" loading={approve.isPending} onClick={() => approve.mutate(request.request)}>{t("names.approve")}</Button>;
    if (request.state === "approved" && request.asked_by === own) {
      return (
        <Popconfirm title={t("names.confirmShow")} onConfirm={() => show.mutate(request.request)}>
          <Button size="small" type="primary" loading={show.isPending}>{t("names.show")}</Button>
        </Popconfirm>
      );
    }
    return null;
  };
  return (
    <>
      {approve.isError && <ProblemAlert error={approve.error} />}
      {show.isError && <ProblemAlert error={show.error} />}
      <StackedTable<NameRequest>
        aria-label={t("names.table")}
        rowKey="request"
        size="small"
        pagination={false}
        scroll={{ x: 980 }}
        dataSource={requests}
        columns={[
          { key: "state", title: t("cases.state"), width: 170, render: (_, { state }) => <Tag color={colours[state]}>{t(`names.state.${state}`)}</Tag> },
          { key: "subject", title: t("entry.subject"), width: 130, render: (_, { subject }) => <Handle text={subject} short /> },
          { key: "index", title: t("entry.index"), width: 80, dataIndex: "index", align: "end" },
          { key: "reason", title: t("names.reason"), render: (_, { reason }) => codes.reason(reason) },
          { key: "asked", title: t("names.askedBy"), render: (_, { asked_by, asked_at }) => <Flex vertical><span>{asked_by}</span><Typography.Text type="secondary">{format.instant(asked_at)}</Typography.Text></Flex> },
          { key: "approved", title: t("names.approvedBy"), render: (_, { approved_by }) => approved_by ?? "–" },
          { key: "act", width: 200, render: (_, request) => act(request) },
        ]}
      />
      <Modal open={show.data !== undefined} title={t("names.showTitle")} onCancel={show.reset} onOk={show.reset} cancelButtonProps={{ style: { display: "none" } }} destroyOnHidden>
        {show.data && (
          <>
            <Descriptions column={1} items={[{ key: "name", label: t("names.name"), children: <strong>{show.data.name ?? t("names.nameNone")}</strong> }, { key: "subject", label: t("entry.subject"), children: <Handle text={show.data.subject} /> }]} />
            <ReceiptTag receipt={show.data.receipt} />
            <Typography.Paragraph type="secondary" style={{ marginTop: 8 }}>{t("names.showHelp")}</Typography.Paragraph>
          </>
        )}
      </Modal>
    </>
  );
}
