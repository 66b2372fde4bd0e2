import { WarningOutlined } from "@ant-design/icons";
import { Button, Table, Tag, Typography, type TableColumnsType } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";
import { Empty } from "../../../parts/states";
import type { FollowUp } from "../model";
import { FollowUpTag, PersonLink } from "../words";
import { FollowUpDrawer } from "./FollowUpDrawer";

/** Follow-ups as the hub orders them: what is due first comes first. */
export function FollowUpList({ all }: { all: FollowUp[] }) {
  const [chosen, setChosen] = useState<FollowUp>();
  const { t } = useTranslation("control");
  const { instant } = useFormat();
  const columns: TableColumnsType<FollowUp> = [
    {
      title: t("case.person"),
      key: "person",
      width: 170,
      render: (_, { person_id, identity }) => (person_id ? <PersonLink id={person_id}>{identity?.name ?? undefined}</PersonLink> : t("followUps.nobody")),
    },
    { title: t("followUps.state"), key: "state", width: 150, render: (_, { state }) => <FollowUpTag state={state} /> },
    {
      title: t("followUps.unit"),
      key: "unit",
      width: 215,
      render: (_, { unit, offered_to }) => (
        <>
          {unit ?? <Typography.Text type="danger">{t("followUps.unassigned")}</Typography.Text>}
          {offered_to && <Tag>{t("followUps.offered", { unit: offered_to })}</Tag>}
        </>
      ),
    },
    {
      title: t("followUps.due"),
      key: "due",
      width: 290,
      render: (_, { due, due_for, overdue }) =>
        due ? (
          <Typography.Text type={overdue ? "danger" : undefined}>
            {overdue && <WarningOutlined />} {t(`dueFor.${due_for}`, { defaultValue: due_for })} · {instant(due)} {overdue && t("followUps.isOverdue")}
          </Typography.Text>
        ) : (
          "–"
        ),
    },
    { title: t("followUps.since"), key: "since", width: 180, render: (_, { since }) => instant(since) },
    { title: t("followUps.phone"), key: "phone", width: 150, render: (_, { contact }) => <span className="numbers">{contact?.phone ?? "–"}</span> },
    { title: t("followUps.history"), key: "history", width: 110, render: (_, one) => <Button size="small" onClick={() => setChosen(one)}>{t("followUps.show")}</Button> },
  ];
  return (
    <>
      <Table aria-label={t("tab.follow-ups")} size="small" virtual rowKey="follow_up_id" scroll={{ x: 1270, y: 440 }} pagination={false} columns={columns} dataSource={all} locale={{ emptyText: <Empty>{t("followUps.noneSuch")}</Empty> }} />
      <FollowUpDrawer chosen={chosen} close={() => setChosen(undefined)} />
    </>
  );
}
