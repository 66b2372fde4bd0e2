import { WarningOutlined } from "@ant-design/icons";
import { Button, Flex, Grid, Table, Tag, Typography, type TableColumnsType } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";
import { Empty } from "../../../parts/states";
import type { FollowUp } from "../model";
import { FollowUpTag, PersonLink, phoneText } from "../words";
import { FollowUpDrawer } from "./FollowUpDrawer";

/** Follow-ups as the hub orders them: what is due first comes first. */
export function FollowUpList({ all }: { all: FollowUp[] }) {
  const [chosen, setChosen] = useState<FollowUp>();
  const { t } = useTranslation("control");
  const { instant } = useFormat();
  const wide = Grid.useBreakpoint().md ?? true;
  const person = ({ person_id, identity }: FollowUp) => (person_id ? <PersonLink id={person_id}>{identity?.name ?? undefined}</PersonLink> : t("followUps.nobody"));
  const dueOf = ({ due, due_for, overdue }: FollowUp) =>
    due ? (
      <Typography.Text type={overdue ? "danger" : undefined}>
        {overdue && <WarningOutlined />} {t(`dueFor.${due_for}`, { defaultValue: due_for })} · {instant(due)} {overdue && t("followUps.isOverdue")}
      </Typography.Text>
    ) : (
      "–"
    );
  const unitOf = ({ unit, offered_to }: FollowUp) => (
    <>
      {unit ?? <Typography.Text type="danger">{t("followUps.unassigned")}</Typography.Text>}
      {offered_to && <Tag>{t("followUps.offered", { unit: offered_to })}</Tag>}
    </>
  );
  const showOf = (one: FollowUp) => <Button size="small" onClick={() => setChosen(one)}>{t("followUps.show")}</Button>;
  const narrow: TableColumnsType<FollowUp> = [
    {
      title: t("tab.follow-ups"),
      key: "all",
      render: (_, one) => (
        <Flex vertical gap={2}>
          <Flex gap={8} wrap align="center" justify="space-between">
            <strong>{person(one)}</strong>
            {showOf(one)}
          </Flex>
          <span><FollowUpTag state={one.state} /> {unitOf(one)}</span>
          <span>{dueOf(one)}</span>
          {one.contact?.phone && <span className="numbers">{phoneText(one.contact.phone)}</span>}
        </Flex>
      ),
    },
  ];
  const columns: TableColumnsType<FollowUp> = [
    {
      title: t("case.person"),
      key: "person",
      width: 140,
      render: (_, one) => person(one),
    },
    { title: t("followUps.state"), key: "state", width: 140, render: (_, { state }) => <FollowUpTag state={state} /> },
    {
      title: t("followUps.unit"),
      key: "unit",
      width: 210,
      render: (_, one) => unitOf(one),
    },
    {
      title: t("followUps.due"),
      key: "due",
      width: 270,
      render: (_, one) => dueOf(one),
    },
    { title: t("followUps.since"), key: "since", width: 176, render: (_, { since }) => instant(since) },
    { title: t("followUps.phone"), key: "phone", width: 130, render: (_, { contact }) => <span className="numbers">{contact?.phone ? phoneText(contact.phone) : "–"}</span> },
    { title: t("followUps.history"), key: "history", width: 90, render: (_, one) => showOf(one) },
  ];
  return (
    <>
      <Table aria-label={t("tab.follow-ups")} size="small" virtual rowKey="follow_up_id" showHeader={wide} scroll={{ x: wide ? 1156 : 300, y: 440 }} pagination={false} columns={wide ? columns : narrow} dataSource={all} locale={{ emptyText: <Empty>{t("followUps.noneSuch")}</Empty> }} />
      <FollowUpDrawer chosen={chosen} close={() => setChosen(undefined)} />
    </>
  );
}
