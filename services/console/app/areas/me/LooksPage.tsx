import { App, Button, Flex, Form, Grid, Modal, Radio, Switch, Table, Tag, Tooltip, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Page, ReceiptTag } from "../../parts/Page";
import { Empty, Failed, Loading, ProblemAlert } from "../../parts/states";
import { useFormat } from "../../parts/format";
import "./me.css";
import { useContest, useLooks, type Look } from "./questions";

const REASONS = ["NO_REASON_KNOWN", "ORGANISATION_UNKNOWN", "ACQUAINTANCE", "OTHER"];

/** Who looked at the own file, and why; what is doubtful goes to the auditors. */
export function LooksPage() {
  const { t } = useTranslation("me");
  const format = useFormat();
  const wide = Grid.useBreakpoint().md ?? true;
  const [own, setOwn] = useState(false);
  const [doubted, setDoubted] = useState<Look>();
  const query = useLooks();
  const pages = query.data?.pages;
  const looks = (pages?.flatMap((page) => page.looks) ?? []).filter((look) => own || look.role !== "resident");
  return (
    <Page title={t("looks.title")} extra={<ReceiptTag receipt={pages?.at(-1)?.receipt} />}>
      <Typography.Paragraph className="measure" type="secondary">
        {t("looks.lead")}
      </Typography.Paragraph>
      {query.isPending && <Loading />}
      {query.isError && <Failed error={query.error} retry={() => void query.refetch()} />}
      {pages && (
        <>
          <Flex gap={16} wrap align="center" style={{ marginBottom: 12 }}>
            <Typography.Text strong style={{ fontSize: 18 }} data-looks={looks.length}>
              {t("looks.total", { count: looks.length })}
            </Typography.Text>
            <label>
              <Switch size="small" checked={own} onChange={setOwn} aria-label={t("looks.own")} /> {t("looks.own")}
            </label>
          </Flex>
          {looks.length === 0 ? (
            <Empty>{t(own ? "looks.noneAtAll" : "looks.none")}</Empty>
          ) : (
            <Table
              virtual
              aria-label={t("looks.label")}
              rowKey="index"
              pagination={false}
              dataSource={looks}
              size="middle"
              scroll={{ y: 560, x: wide ? 900 : 330 }}
              columns={
                wide
                  ? [
                      { title: t("looks.when"), width: 170, render: (_, look) => <span className="numbers">{format.instant(look.time)}</span> },
                      { title: t("looks.who"), width: 220, render: (_, look) => <Who look={look} /> },
                      { title: t("looks.why"), width: 220, render: (_, look) => <Why look={look} /> },
                      { title: t("looks.what"), render: (_, look) => <What look={look} /> },
                      { title: t("looks.doubt"), width: 190, render: (_, look) => <Doubt look={look} onDoubt={setDoubted} /> },
                    ]
                  : [
                      {
                        title: t("looks.label"),
                        render: (_, look) => (
                          <Flex vertical gap={4}>
                            <span className="numbers">{format.instant(look.time)}</span>
                            <Who look={look} />
                            <Why look={look} />
                            <What look={look} />
                            <Doubt look={look} onDoubt={setDoubted} />
                          </Flex>
                        ),
                      },
                    ]
              }
            />
          )}
          {query.hasNextPage && (
            <Button style={{ marginTop: 12 }} loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {t("looks.more")}
            </Button>
          )}
        </>
      )}
      <ContestForm look={doubted} close={() => setDoubted(undefined)} />
    </Page>
  );
}

function Who({ look }: { look: Look }) {
  const { t } = useTranslation("me");
  const { t: common } = useTranslation();
  return (
    <div>
      <strong>{look.role === "resident" ? t("looks.me") : t(`looks.organisation.${look.organisation}`, { defaultValue: look.organisation })}</strong>{" "}
      {look.role !== "resident" && <span className="mark quiet">{common(`role.${look.role}`, { defaultValue: look.role })}</span>}
    </div>
  );
}

function Why({ look }: { look: Look }) {
  const { t } = useTranslation("me");
  const { t: common } = useTranslation();
  return (
    <div>
      {look.purpose ? common(`purpose.${look.purpose}`, { defaultValue: look.purpose }) : "–"} {look.case_stated && <span className="mark quiet">{t("looks.case")}</span>}
    </div>
  );
}

function What({ look }: { look: Look }) {
  const { t } = useTranslation("me");
  const { list } = useFormat();
  const { t: common } = useTranslation();
  return (
    <div>
      {t(`looks.action.${look.action}`, { defaultValue: look.action })}
      <div className="mark quiet" style={{ whiteSpace: "normal" }}>
        {look.refused ? (
          <Tooltip title={t("looks.refusedHelp")}>
            <Tag color="orange" tabIndex={0}>
              {t("looks.refused")}
            </Tag>
          </Tooltip>
        ) : look.shown.length > 0 ? (
          list(look.shown.map((group) => common(`group.${group}`, { defaultValue: group })))
        ) : (
          t("looks.shownNothing")
        )}
      </div>
    </div>
  );
}

function Doubt({ look, onDoubt }: { look: Look; onDoubt: (look: Look) => void }) {
  const { t } = useTranslation("me");
  if (look.said) return <Tag color={look.said === "MISUSE" ? "red" : "blue"} style={{ whiteSpace: "normal" }}>{t(`looks.said.${look.said}`, { defaultValue: look.said })}</Tag>;
  if (look.role === "resident") return null;
  return (
    <Button size="small" onClick={() => onDoubt(look)} data-contest={look.index} style={{ alignSelf: "start" }}>
      {t("looks.contest")}
    </Button>
  );
}

function ContestForm({ look, close }: { look?: Look; close: () => void }) {
  const { t } = useTranslation("me");
  const { message } = App.useApp();
  const contest = useContest();
  const send = ({ reason }: { reason: string }) => {
    if (!look) return;
    contest.mutate(
      { index: look.index, reason },
      {
        onSuccess: () => {
          close();
          void message.success(t("looks.form.sent"));
        },
      },
    );
  };
  return (
    <Modal open={Boolean(look)} title={t("looks.form.title")} footer={null} onCancel={close} destroyOnHidden afterClose={() => contest.reset()}>
      <Form layout="vertical" onFinish={send} initialValues={{ reason: REASONS[0] }}>
        <Typography.Paragraph type="secondary">{t("looks.form.help")}</Typography.Paragraph>
        <Form.Item name="reason" label={t("looks.form.reason")}>
          <Radio.Group vertical options={REASONS.map((reason) => ({ value: reason, label: t(`looks.reason.${reason}`) }))} />
        </Form.Item>
        {contest.isError && <ProblemAlert error={contest.error} />}
        <Button type="primary" htmlType="submit" loading={contest.isPending} style={{ marginTop: 8 }}>
          {t("looks.form.send")}
        </Button>
      </Form>
    </Modal>
  );
}
