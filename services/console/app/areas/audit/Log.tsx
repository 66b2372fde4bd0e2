import { FilterOutlined } from "@ant-design/icons";
import { Button, Card, Col, DatePicker, Flex, Form, Grid, Input, Row, Select, Tag, Typography, type TableColumnsType } from "antd";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { StackedTable } from "../../parts/StackedTable";
import { useTranslation } from "react-i18next";
import { useLocation } from "react-router";
import type { Dayjs } from "dayjs";
import { instantOf } from "../../parts/city";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { Empty, Failed, Loading } from "../../parts/states";
import { CASE_FORM, PURPOSES } from "../../session/task";
import { searchLog, type EntrySearch, type EntryView } from "./ask";
import { codesEn } from "./codes.text";
import { EntryDrawer, Outcome } from "./Entry";
import { useCodes } from "./words";

interface Wanted {
  actor?: string;
  unit?: string;
  role?: string;
  action?: string;
  purpose?: string;
  case?: string;
  subject?: string;
  period?: [Dayjs | null, Dayjs | null] | null;
  outcome?: "answered" | "refused";
}

const PAGE = 200;
const SECOND = "YYYY-MM-DD[T]HH:mm:ss";
const CODE = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/;

function searchOf({ period, outcome, ...wanted }: Wanted): EntrySearch {
  const search: EntrySearch = { limit: PAGE };
  for (const [name, value] of Object.entries(wanted)) if (value) Object.assign(search, { [name]: value.trim() });
  if (period?.[0]) search.from = instantOf(period[0].format(SECOND));
  if (period?.[1]) search.until = instantOf(period[1].format(SECOND));
  if (outcome) search.refused = outcome === "refused";
  return search;
}

/** The log with filters. What a page before asked for (an actor) comes with the way here, never in the address. */
export function Log() {
  const { t } = useTranslation("audit");
  const passed = useLocation().state as Wanted | null;
  const [wanted, setWanted] = useState<Wanted>(passed ?? {});
  const [form] = Form.useForm<Wanted>();
  const [opened, setOpened] = useState<EntryView>();
  const wide = Grid.useBreakpoint().md ?? true;
  // How wide the window is, is not known at first: until somebody folds or unfolds them, the width decides.
  const [unfolded, setUnfolded] = useState<boolean>();
  const filters = wide || (unfolded ?? passed !== null);
  const search = searchOf(wanted);
  const query = useInfiniteQuery({
    queryKey: ["audit", "log", search],
    queryFn: ({ pageParam }) => searchLog({ ...search, before: pageParam }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const entries = query.data?.pages.flatMap((page) => page.entries) ?? [];
  const filterActor = (actor: string) => {
    form.setFieldsValue({ actor });
    setWanted((now) => ({ ...now, actor }));
    setOpened(undefined);
  };
  return (
    <Page title={t("log.title")} extra={<ReceiptTag receipt={query.data?.pages.at(-1)?.receipt} />}>
      <Typography.Paragraph type="secondary">{t("log.lead")} {t("ownLook")}</Typography.Paragraph>
      <Card size="small" style={{ marginBottom: 16 }}>
        {!wide && (
          <Button type="text" icon={<FilterOutlined />} aria-expanded={filters} onClick={() => setUnfolded(!filters)}>{t("log.filters")}</Button>
        )}
        <div hidden={!filters}>
          <Filters form={form} initial={wanted} search={setWanted} pending={query.isFetching} />
        </div>
      </Card>
      {query.isPending ? <Loading /> : query.isError ? <Failed error={query.error} retry={() => void query.refetch()} /> : entries.length === 0 ? (
        <Empty>{t("log.none")}</Empty>
      ) : (
        <>
          <EntryTable entries={entries} open={setOpened} label={t("log.table")} />
          <Flex gap={12} align="center" style={{ marginTop: 12 }}>
            {query.hasNextPage ? <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t("more")}</Button> : <Typography.Text type="secondary">{t("end")}</Typography.Text>}
            <Typography.Text type="secondary">{t("log.shown", { count: entries.length })}</Typography.Text>
          </Flex>
        </>
      )}
      <EntryDrawer entry={opened} onClose={() => setOpened(undefined)} onFilter={filterActor} />
    </Page>
  );
}

function Filters({ form, initial, search, pending }: { form: ReturnType<typeof Form.useForm<Wanted>>[0]; initial: Wanted; search: (wanted: Wanted) => void; pending: boolean }) {
  const { t } = useTranslation("audit");
  const { t: common } = useTranslation();
  const codes = useCodes();
  const code = [{ pattern: CODE, message: t("log.codeWrong") }];
  const field = { xs: 12, sm: 8, lg: 6, xl: 4 };
  const options = (names: string[], word: (name: string) => string) => names.map((value) => ({ value, label: word(value) }));
  return (
    <Form form={form} layout="vertical" initialValues={initial} onFinish={search} size="middle" className="tight-form">
      <Row gutter={12}>
        <Col {...field}><Form.Item name="actor" label={t("entry.actor")} rules={code}><Input allowClear autoComplete="off" /></Form.Item></Col>
        <Col {...field}><Form.Item name="unit" label={t("entry.unit")} rules={code}><Input allowClear autoComplete="off" /></Form.Item></Col>
        <Col {...field}><Form.Item name="role" label={t("entry.role")}><Select allowClear options={options(Object.keys(PURPOSES), codes.role)} /></Form.Item></Col>
        <Col {...field}><Form.Item name="action" label={t("entry.action")}><Select allowClear showSearch={{ optionFilterProp: "label" }} options={options(Object.keys(codesEn.actions).filter((name) => name !== "quarantine"), codes.action)} /></Form.Item></Col>
        <Col {...field}><Form.Item name="purpose" label={t("entry.purpose")}><Select allowClear options={options(["PUBHLTH", "HOPERAT", "PATRQT", "TREAT", "ETREAT", "HRESCH"], codes.purpose)} /></Form.Item></Col>
        <Col {...field}><Form.Item name="outcome" label={t("log.outcome")}><Select allowClear placeholder={t("log.both")} options={[{ value: "answered", label: t("log.onlyAnswered") }, { value: "refused", label: t("log.onlyRefused") }]} /></Form.Item></Col>
        <Col {...field}><Form.Item name="case" label={t("log.caseReference")} rules={[{ pattern: CASE_FORM, message: common("task.invalid") }]}><Input allowClear autoComplete="off" /></Form.Item></Col>
        <Col xs={24} sm={16} lg={12} xl={8}><Form.Item name="subject" label={t("log.subject")} rules={[{ pattern: /^[0-9a-f]{32}$/, message: t("log.subjectWrong") }]}><Input allowClear autoComplete="off" /></Form.Item></Col>
        <Col xs={24} sm={16} lg={12} xl={8}><Form.Item name="period" label={t("period")}><DatePicker.RangePicker showTime allowEmpty={[true, true]} style={{ width: "100%" }} /></Form.Item></Col>
      </Row>
      <Flex gap={8}>
        <Button type="primary" htmlType="submit" loading={pending}>{t("log.search")}</Button>
        <Button onClick={() => { form.setFieldsValue({ actor: undefined, unit: undefined, role: undefined, action: undefined, purpose: undefined, outcome: undefined, case: undefined, subject: undefined, period: undefined }); search({}); }}>{t("log.reset")}</Button>
      </Flex>
    </Form>
  );
}

function EntryTable({ entries, open, label }: { entries: EntryView[]; open: (entry: EntryView) => void; label: string }) {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const codes = useCodes();
  const columns: TableColumnsType<EntryView> = [
    { key: "index", title: t("entry.index"), width: 76, render: (_, entry) => <Button type="link" size="small" style={{ padding: 0 }} aria-label={t("log.open", { index: entry.index })} onClick={() => open(entry)}>{entry.index}</Button> },
    { key: "time", title: t("entry.time"), width: 200, render: (_, entry) => <span className="numbers">{format.second(entry.time)}</span> },
    { key: "outcome", title: t("entry.outcome"), width: 190, render: (_, entry) => <Outcome entry={entry} /> },
    { key: "actor", title: t("entry.actor"), width: 170, ellipsis: true, dataIndex: "actor" },
    { key: "role", title: t("entry.role"), width: 140, ellipsis: true, render: (_, entry) => codes.role(entry.role) },
    { key: "action", title: t("entry.action"), width: 150, ellipsis: true, render: (_, entry) => codes.action(entry.action) },
    { key: "subjects", title: t("entry.subjects"), width: 90, align: "end", render: (_, entry) => <span className="numbers">{format.number(entry.subjects.length)}</span> },
    { key: "released", title: t("entry.released"), width: 260, render: (_, entry) => (entry.released.length ? <>{entry.released.slice(0, 3).map((name) => <Tag key={name}>{codes.group(name)}</Tag>)}{entry.released.length > 3 && <Tag>+{entry.released.length - 3}</Tag>}</> : "–") },
    { key: "unit", title: t("entry.unit"), width: 220, ellipsis: true, dataIndex: "unit" },
  ];
  return (
    <StackedTable<EntryView>
      aria-label={label}
      rowKey="index"
      size="small"
      columns={columns}
      dataSource={entries}
      pagination={false}
      virtual
      scroll={{ x: 1500, y: 560 }}
      onRow={(entry) => ({ onClick: () => open(entry), style: { cursor: "pointer" } })}
    />
  );
}
