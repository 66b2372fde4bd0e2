import { App, Button, Card, Flex, Form, Input, Select, Table, Tag, Typography } from "antd";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Problem } from "../../api/client";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { Asked, Empty, ProblemAlert } from "../../parts/states";
import { listMarks, setMark, type Marked, type MarkKind } from "./ask";
import { Handle, NotOffered } from "./words";

const KEY = ["audit", "marks"];
const PERSON = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Persons whom looks at weigh more. */
export function Marks() {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const query = useQuery({ queryKey: KEY, queryFn: listMarks });
  const mark = useMutation({
    mutationFn: ({ person_id, mark }: { person_id: string; mark: MarkKind }) => setMark(person_id.trim(), mark),
    onSuccess: () => {
      void message.success(t("marks.saved"));
      void queries.invalidateQueries({ queryKey: KEY });
    },
  });
  if (query.error instanceof Problem && query.error.code === "route-unknown") {
    return <Page title={t("marks.title")}><NotOffered /></Page>;
  }
  return (
    <Page title={t("marks.title")} extra={<ReceiptTag receipt={query.data?.receipt} />}>
      <Typography.Paragraph type="secondary">{t("marks.lead")}</Typography.Paragraph>
      <Card size="small" style={{ marginBottom: 16 }}>
        <Form layout="vertical" initialValues={{ mark: "CANARY" }} onFinish={(said: { person_id: string; mark: MarkKind }) => mark.mutate(said)}>
          <Flex wrap gap="0 12px">
            <Form.Item name="person_id" label={t("marks.person")} rules={[{ required: true, pattern: PERSON, message: t("marks.personWrong") }]} style={{ flex: "1 1 320px" }}><Input autoComplete="off" /></Form.Item>
            <Form.Item name="mark" label={t("marks.mark")}><Select style={{ minWidth: 160 }} options={(["CANARY", "PROMINENT"] as const).map((value) => ({ value, label: t(`marks.kind.${value}`) }))} /></Form.Item>
          </Flex>
          <Button type="primary" htmlType="submit" loading={mark.isPending}>{t("marks.set")}</Button>
        </Form>
        {mark.isError && <div style={{ marginTop: 12 }}><ProblemAlert error={mark.error} /></div>}
      </Card>
      <Asked query={query}>
        {({ marked }) =>
          marked.length === 0 ? <Empty>{t("marks.none")}</Empty> : (
            <Table<Marked>
              aria-label={t("marks.table")}
              rowKey="person_id"
              size="small"
              pagination={false}
              scroll={{ x: 720 }}
              dataSource={marked}
              columns={[
                { key: "person", title: t("marks.person"), render: (_, { person_id }) => <Handle text={person_id} /> },
                { key: "mark", title: t("marks.mark"), render: (_, { marks }) => marks.map(({ mark }) => <Tag key={mark}>{t(`marks.kind.${mark}`)}</Tag>) },
                { key: "since", title: t("marks.since"), render: (_, { marks }) => format.instant(marks.at(-1)?.since) },
                { key: "by", title: t("marks.by"), render: (_, { marks }) => marks.at(-1)?.by },
                { key: "act", render: (_, { person_id }) => <Button size="small" onClick={() => mark.mutate({ person_id, mark: "NONE" })}>{t("marks.remove")}</Button> },
              ]}
            />
          )
        }
      </Asked>
    </Page>
  );
}
