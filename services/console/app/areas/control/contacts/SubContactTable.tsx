import { FileSearchOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { StackedTable } from "../../../parts/StackedTable";
import { useTranslation } from "react-i18next";
import { Empty } from "../../../parts/states";
import { useFormat } from "../../../parts/format";
import type { SubContact } from "../model";
import { useDuration } from "../time";
import { PersonLink, SceneTag, short } from "../words";

/** Whom the contacts met after they had met the case. */
export function SubContactTable({ links, total, show }: { links: SubContact[]; total: number; show: (link: SubContact) => void }) {
  const { t } = useTranslation("control");
  const { number, instant } = useFormat();
  const duration = useDuration();
  if (links.length === 0) return <Empty>{t("contacts.noSub")}</Empty>;
  return (
    <>
      <StackedTable<SubContact>
        aria-label={t("contacts.sub-contacts")}
        size="small"
        virtual
        rowKey={({ person_id, through, meeting }) => `${person_id} ${through} ${meeting.from} ${meeting.place ?? ""}`}
        scroll={{ x: 950, y: 480 }}
        pagination={false}
        dataSource={links}
        columns={[
          { title: t("case.person"), key: "person", width: 150, render: (_, { person_id }) => <PersonLink id={person_id} /> },
          { title: t("contacts.through"), key: "through", width: 150, render: (_, { through }) => <PersonLink id={through} /> },
          { title: t("contacts.scenes"), key: "scene", width: 170, render: (_, { meeting }) => <SceneTag scene={meeting.scene} /> },
          { title: t("contacts.together"), key: "minutes", width: 130, render: (_, { meeting }) => duration(meeting.minutes) },
          { title: t("contacts.last"), key: "to", width: 180, render: (_, { meeting }) => instant(meeting.to) },
          {
            title: t("contacts.evidence"),
            key: "evidence",
            width: 120,
            render: (_, link) => (
              <Button size="small" icon={<FileSearchOutlined />} aria-label={t("contacts.evidenceOf", { id: short(link.person_id) })} onClick={() => show(link)}>
                {t("contacts.evidence")}
              </Button>
            ),
          },
        ]}
      />
      {total > links.length && <p className="control-note">{t("contacts.longest", { n: number(links.length), of: number(total) })}</p>}
    </>
  );
}
