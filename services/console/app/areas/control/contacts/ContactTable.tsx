import { FileSearchOutlined } from "@ant-design/icons";
import { Button, Flex, Grid, Progress, Table, Typography, type TableColumnsType } from "antd";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";
import type { Contact } from "../model";
import { PersonLink, SceneTag, short } from "../words";
import { scenesOf, useTogether } from "./ContactsTab";

/** Contacts, the most exposed first. The next ones are asked for when the end comes into view. */
export function ContactTable({ contacts, show, more }: { contacts: Contact[]; show: (contact: Contact) => void; more?: () => void }) {
  const { t } = useTranslation("control");
  const { number, instant } = useFormat();
  const together = useTogether();
  const most = Math.max(1, contacts[0]?.weighed_minutes ?? 1);
  const wide = Grid.useBreakpoint().md ?? true;
  const evidence = (contact: Contact) => (
    <Button size="small" icon={<FileSearchOutlined />} aria-label={t("contacts.evidenceOf", { id: short(contact.person_id) })} onClick={() => show(contact)}>
      {t("contacts.evidence")}
    </Button>
  );
  const last = ({ meetings }: Contact) => instant(meetings.map(({ to }) => to).sort().at(-1));
  const narrow: TableColumnsType<Contact> = [
    {
      title: t("contacts.contacts"),
      key: "all",
      render: (_, contact) => (
        <Flex vertical gap={2}>
          <Flex gap={8} wrap align="center" justify="space-between">
            <strong>{number(contact.rank)}. <PersonLink id={contact.person_id} /></strong>
            {evidence(contact)}
          </Flex>
          <span>{together(contact)} · {t("contacts.meetings")}: {number(contact.meeting_count)}</span>
          <span>{scenesOf(contact).map((scene) => <SceneTag key={scene} scene={scene} />)}</span>
          <Typography.Text type="secondary">{t("contacts.last")}: {last(contact)}</Typography.Text>
        </Flex>
      ),
    },
  ];
  const columns: TableColumnsType<Contact> = [
    { title: t("contacts.rank"), dataIndex: "rank", width: 64, align: "right", render: (rank: number) => number(rank) },
    { title: t("case.person"), key: "person", width: 150, render: (_, { person_id }) => <PersonLink id={person_id} /> },
    {
      title: t("contacts.exposure"),
      key: "exposure",
      width: 190,
      render: (_, { weighed_minutes }) => (
        <span className="control-exposure">
          <Progress percent={(100 * Math.log1p(weighed_minutes)) / Math.log1p(most)} showInfo={false} size="small" status="normal" strokeColor="var(--brand)" aria-label={t("contacts.exposure")} />
          <span className="numbers">{number(weighed_minutes)}</span>
        </span>
      ),
    },
    { title: t("contacts.together"), key: "together", width: 130, render: (_, contact) => together(contact) },
    { title: t("contacts.meetings"), dataIndex: "meeting_count", width: 100, align: "right", render: (count: number) => number(count) },
    { title: t("contacts.scenes"), key: "scenes", width: 240, render: (_, contact) => scenesOf(contact).map((scene) => <SceneTag key={scene} scene={scene} />) },
    { title: t("contacts.last"), key: "last", width: 180, render: (_, contact) => last(contact) },
    {
      title: t("contacts.evidence"),
      key: "evidence",
      width: 120,
      render: (_, contact) => evidence(contact),
    },
  ];
  return (
    <Table
      aria-label={t("contacts.contacts")}
      size="small"
      virtual
      rowKey="person_id"
      showHeader={wide}
      scroll={{ x: wide ? 1170 : 300, y: 480 }}
      pagination={false}
      columns={wide ? columns : narrow}
      dataSource={contacts}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        if (scrollHeight - scrollTop - clientHeight < 200) more?.();
      }}
    />
  );
}
