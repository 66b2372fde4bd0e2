import { App, Button, Card, Descriptions, Flex, Segmented, Select, Space, Timeline, Typography } from "antd";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { Empty, Failed, Loading, ProblemAlert } from "../../parts/states";
import { useSignedIn } from "../../session/session";
import { decideCase, listCases, type EntryView, type Suspicion } from "./ask";
import { EntryDrawer, ReasonSelect } from "./Entry";
import { Handle, useCodes, VerdictTag } from "./words";

const VERDICTS = ["JUSTIFIED", "MISUSE", "UNCLEAR"] as const;

/** Looks that somebody doubts: what was said of each, and deciding. */
export function Cases() {
  const { t } = useTranslation("audit");
  const [state, setState] = useState<"open" | "decided">("open");
  const [opened, setOpened] = useState<EntryView>();
  const query = useInfiniteQuery({
    queryKey: ["audit", "cases", state],
    queryFn: ({ pageParam }) => listCases(state, pageParam),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const cases = query.data?.pages.flatMap((page) => page.suspicions) ?? [];
  return (
    <Page title={t("cases.title")} extra={<ReceiptTag receipt={query.data?.pages.at(-1)?.receipt} />}>
      <Typography.Paragraph type="secondary">{t("cases.lead")}</Typography.Paragraph>
      <Segmented<"open" | "decided"> aria-label={t("cases.state")} value={state} onChange={setState} options={[{ value: "open", label: t("cases.open") }, { value: "decided", label: t("cases.decided") }]} style={{ marginBottom: 16 }} />
      {query.isPending ? <Loading /> : query.isError ? <Failed error={query.error} retry={() => void query.refetch()} /> : cases.length === 0 ? (
        <Empty>{t(state === "open" ? "cases.none" : "cases.noneDecided")}</Empty>
      ) : (
        <Flex vertical gap={16}>
          {cases.map((suspicion) => <CaseFile key={suspicion.entry.index} suspicion={suspicion} open={setOpened} />)}
          {query.hasNextPage && <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t("more")}</Button>}
        </Flex>
      )}
      <EntryDrawer entry={opened} onClose={() => setOpened(undefined)} />
    </Page>
  );
}

function CaseFile({ suspicion: { entry, said }, open }: { suspicion: Suspicion; open: (entry: EntryView) => void }) {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const codes = useCodes();
  const last = said.at(-1);
  const own = useSignedIn().handle === entry.actor;
  return (
    <Card
      size="small"
      data-case={entry.index}
      title={<h2 style={{ fontSize: 16, margin: 0 }}>{t("entry.title", { index: entry.index })} {last && <VerdictTag verdict={last.verdict} />}</h2>}
      extra={<Button size="small" onClick={() => open(entry)}>{t("log.open", { index: entry.index })}</Button>}
    >
      <Descriptions
        size="small"
        column={{ xs: 1, sm: 2, lg: 4 }}
        items={[
          { key: "time", label: t("entry.time"), children: format.second(entry.time) },
          { key: "actor", label: t("entry.actor"), children: <Handle text={entry.actor} /> },
          { key: "role", label: t("entry.role"), children: codes.role(entry.role) },
          { key: "action", label: t("entry.action"), children: codes.action(entry.action) },
        ]}
      />
      <Typography.Paragraph strong style={{ margin: "8px 0" }}>{t("cases.said")}</Typography.Paragraph>
      <Timeline
        items={said.map(({ at, by, verdict, reason }) => ({
          color: verdict === "MISUSE" ? "red" : verdict === "JUSTIFIED" ? "green" : "gray",
          content: (
            <Flex wrap gap="0 8px" align="center">
              <span className="numbers">{format.instant(at)}</span>
              <VerdictTag verdict={verdict} />
              <span>{codes.reason(reason)}</span>
              <Typography.Text type="secondary">{t("cases.by", { by })}</Typography.Text>
            </Flex>
          ),
        }))}
      />
      {!own && <Decide index={entry.index} />}
    </Card>
  );
}

function Decide({ index }: { index: number }) {
  const { t } = useTranslation("audit");
  const codes = useCodes();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [verdict, setVerdict] = useState<(typeof VERDICTS)[number]>();
  const [reason, setReason] = useState("DUTY_CONFIRMED");
  const decide = useMutation({
    mutationFn: (verdict: string) => decideCase({ index, verdict, reason }),
    onSuccess: ({ state }) => {
      void message.success(t("cases.sent", { verdict: codes.verdict(state) }));
      void queries.invalidateQueries({ queryKey: ["audit", "cases"] });
    },
  });
  return (
    <>
      <Space wrap>
        <Select aria-label={t("cases.verdict")} placeholder={t("cases.verdict")} value={verdict} onChange={setVerdict} style={{ minWidth: 140 }} options={VERDICTS.map((value) => ({ value, label: codes.verdict(value) }))} />
        <ReasonSelect value={reason} onChange={setReason} label={t("cases.reason")} />
        <Button type="primary" disabled={!verdict} loading={decide.isPending} onClick={() => verdict && decide.mutate(verdict)}>{t("cases.send")}</Button>
      </Space>
      {decide.isError && <ProblemAlert error={decide.error} />}
    </>
  );
}
