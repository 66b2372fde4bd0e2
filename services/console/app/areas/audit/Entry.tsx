import { FolderAddOutlined, SafetyCertificateOutlined, UserOutlined } from "@ant-design/icons";
import { App, Button, Descriptions, Drawer, Flex, Select, Space, Tag, Typography } from "antd";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { Problem } from "../../api/client";
import { FocusBack } from "../../parts/focus";
import { useFormat } from "../../parts/format";
import { ProblemAlert } from "../../parts/states";
import { useSignedIn } from "../../session/session";
import { askName, decideCase, type EntryView } from "./ask";
import { Handle, useCodes } from "./words";

export const REASONS = ["NO_RELATION", "PATTERN", "OFF_DUTY", "CASE_FOUND", "DUTY_CONFIRMED", "RESIDENT_ASKED", "OTHER"] as const;

export function ReasonSelect({ value, onChange, label }: { value: string; onChange: (reason: string) => void; label: string }) {
  const codes = useCodes();
  return <Select aria-label={label} value={value} onChange={onChange} options={REASONS.map((reason) => ({ value: reason, label: codes.reason(reason) }))} style={{ minWidth: 220 }} />;
}

export function Outcome({ entry }: { entry: EntryView }) {
  const { t } = useTranslation("audit");
  const codes = useCodes();
  return entry.refused ? <Tag color="red">{t("entry.refused")}: {codes.refusal(entry.refused)}</Tag> : <Tag color="green">{t("entry.allowed")}</Tag>;
}

/** All that an entry says, and what can be done about it. */
export function EntryDrawer({ entry, onClose, onFilter }: { entry?: EntryView; onClose: () => void; onFilter?: (actor: string) => void }) {
  const { t } = useTranslation("audit");
  const wide = window.innerWidth > 720;
  return (
    <Drawer open={entry !== undefined} onClose={onClose} size={wide ? 620 : "100%"} title={entry && t("entry.title", { index: entry.index })} destroyOnHidden>
      {entry && <FocusBack />}
      {entry && <EntryDetail entry={entry} onFilter={onFilter} />}
    </Drawer>
  );
}

function EntryDetail({ entry, onFilter }: { entry: EntryView; onFilter?: (actor: string) => void }) {
  const { t } = useTranslation("audit");
  const format = useFormat();
  const codes = useCodes();
  const own = useSignedIn().handle === entry.actor;
  const groups = (names: string[]) => (names.length ? names.map((name) => <Tag key={name}>{codes.group(name)}</Tag>) : <Typography.Text type="secondary">{t("entry.nothing")}</Typography.Text>);
  return (
    <Flex vertical gap={16}>
      <Descriptions
        column={1}
        size="small"
        bordered
        styles={{ label: { width: 130 } }}
        items={[
          { key: "time", label: t("entry.time"), children: format.second(entry.time) },
          {
            key: "actor",
            label: t("entry.actor"),
            children: (
              <Flex vertical align="start">
                <Handle text={entry.actor} />
                {onFilter && (
                  <Button type="link" size="small" style={{ padding: 0 }} onClick={() => onFilter(entry.actor)}>
                    {t("entry.bySame")}
                  </Button>
                )}
              </Flex>
            ),
          },
          { key: "unit", label: t("entry.unit"), children: entry.unit },
          { key: "role", label: t("entry.role"), children: codes.role(entry.role) },
          { key: "action", label: t("entry.action"), children: <>{codes.action(entry.action)} <Typography.Text code>{entry.action}</Typography.Text></> },
          { key: "purpose", label: t("entry.purpose"), children: entry.purpose ? codes.purpose(entry.purpose) : "–" },
          ...(entry.case ? [{ key: "case", label: t("entry.case"), children: <Flex vertical><Handle text={entry.case} /><Typography.Text type="secondary">{t("entry.caseHelp")}</Typography.Text></Flex> }] : []),
          { key: "outcome", label: t("entry.outcome"), children: <Outcome entry={entry} /> },
          { key: "count", label: t("entry.count"), children: format.number(entry.count) },
          { key: "released", label: t("entry.released"), children: groups(entry.released) },
          { key: "withheld", label: t("entry.withheld"), children: groups(entry.withheld) },
          ...(entry.act ? [{ key: "act", label: t("entry.act"), children: codes.verdict(entry.act) }] : []),
          ...(entry.matter ? [{ key: "matter", label: t("entry.matter"), children: <Handle text={entry.matter} /> }] : []),
          { key: "policy", label: t("entry.policy"), children: <Handle text={entry.policy} short /> },
          { key: "request", label: t("entry.request"), children: <Handle text={entry.request} short /> },
        ]}
      />
      <Subjects entry={entry} />
      {!own && <Doubt entry={entry} />}
      <ProveButton index={entry.index} />
    </Flex>
  );
}

function ProveButton({ index }: { index: number }) {
  const { t } = useTranslation("audit");
  const navigate = useNavigate();
  return (
    <Button icon={<SafetyCertificateOutlined />} onClick={() => void navigate(`/audit/ledger?entry=${index}`)} style={{ alignSelf: "start" }}>
      {t("entry.prove")}
    </Button>
  );
}

const SUBJECTS_SHOWN = 20;

function Subjects({ entry }: { entry: EntryView }) {
  const { t } = useTranslation("audit");
  const { message } = App.useApp();
  const [all, setAll] = useState(false);
  const [asking, setAsking] = useState<string>();
  const [reason, setReason] = useState("NO_RELATION");
  const ask = useMutation({
    mutationFn: (subject: string) => askName(subject, entry.index, reason),
    onSuccess: () => {
      setAsking(undefined);
      void message.success(t("names.asked"));
    },
  });
  const shown = all ? entry.subjects : entry.subjects.slice(0, SUBJECTS_SHOWN);
  const missing = ask.error instanceof Problem && ask.error.code === "route-unknown";
  return (
    <section aria-label={t("entry.subjects")}>
      <Typography.Title level={2} style={{ fontSize: 16 }}>{t("entry.subjects")} ({entry.subjects.length})</Typography.Title>
      {entry.subjects.length === 0 && <Typography.Text type="secondary">{t("entry.subjectsNone")}</Typography.Text>}
      <Flex vertical gap={8} component="ul" style={{ listStyle: "none", margin: 0, padding: 0 }}>
        {shown.map((subject) => (
          <li key={subject}>
            <Flex wrap gap={8} align="center">
              <Handle text={subject} />
              <Button size="small" icon={<UserOutlined />} onClick={() => setAsking(subject)}>{t("entry.askName")}</Button>
            </Flex>
            {asking === subject && (
              <Space wrap style={{ marginTop: 8 }}>
                <ReasonSelect value={reason} onChange={setReason} label={t("names.reason")} />
                <Button type="primary" loading={ask.isPending} onClick={() => ask.mutate(subject)}>{t("names.send")}</Button>
              </Space>
            )}
          </li>
        ))}
      </Flex>
      {shown.length < entry.subjects.length && <Button type="link" onClick={() => setAll(true)}>{t("more")}</Button>}
      {missing ? <Typography.Text type="secondary">{t("notOffered")}</Typography.Text> : ask.isError && <ProblemAlert error={ask.error} />}
    </section>
  );
}

function Doubt({ entry }: { entry: EntryView }) {
  const { t } = useTranslation("audit");
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [reason, setReason] = useState("NO_RELATION");
  const open = useMutation({
    mutationFn: () => decideCase({ index: entry.index, verdict: "OPENED", reason }),
    onSuccess: () => {
      void message.success(t("entry.doubtDone", { index: entry.index }));
      void queries.invalidateQueries({ queryKey: ["audit", "cases"] });
    },
  });
  return (
    <section aria-label={t("entry.doubt")}>
      <Space wrap>
        <ReasonSelect value={reason} onChange={setReason} label={t("cases.reason")} />
        <Button icon={<FolderAddOutlined />} loading={open.isPending} onClick={() => open.mutate()}>{t("entry.doubt")}</Button>
      </Space>
      {open.isError && <ProblemAlert error={open.error} />}
    </section>
  );
}
