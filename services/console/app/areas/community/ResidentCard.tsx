import { IdcardOutlined } from "@ant-design/icons";
import { Button, Descriptions, Drawer, Flex, Tag, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFocusBack } from "../../parts/focus";
import { useFormat } from "../../parts/format";
import { Withheld } from "../../parts/Page";
import type { FollowUp } from "./followUps";
import { useGroupName, useSexName } from "./names";
import { StateTag } from "./StateTag";
import { ageOn, householdsOf, phoneLink, phoneText, type Resident } from "./unit";

interface Props {
  resident: Resident | undefined;
  followUps: FollowUp[];
  day: string;
  withheld: string[];
  close: () => void;
}

/** A resident as the list knows them. It asks for nothing more: the whole file is a look of its own. */
export function ResidentCard({ resident, ...rest }: Props) {
  return resident && <Card key={resident.person_id} resident={resident} {...rest} />;
}

function Card({ resident, followUps, day, withheld, close }: Props & { resident: Resident }) {
  useFocusBack();
  const { t } = useTranslation("community");
  const format = useFormat();
  const group = useGroupName();
  const sex = useSexName();
  const { identity, contact, address, care } = resident;
  const age = ageOn(day, identity?.birth_date);
  const homes = householdsOf(resident);
  const items = [
    ...(identity
      ? [
          { key: "sex", label: t("column.sex"), children: sex(identity.sex) },
          { key: "born", label: t("card.born"), children: identity.birth_date ? `${format.day(identity.birth_date)}${age === undefined ? "" : ` · ${t("residents.years", { count: age })}`}` : "–" },
        ]
      : []),
    ...(contact ? [{ key: "phone", label: t("column.phone"), children: contact.phone ? <a href={phoneLink(contact.phone)}>{phoneText(contact.phone)}</a> : "–" }] : []),
    ...(withheld.includes("residence") ? [] : [{ key: "address", label: t("column.address"), children: address ?? "–" }]),
    { key: "unit", label: t("sum.unit"), children: resident.unit || "–" },
    ...(resident.households
      ? [
          {
            key: "household",
            label: t("column.household"),
            children: homes.length === 0 ? "–" : homes.map((one) => (
              <div key={one.household_id}>
                {[one.household_id, one.relation_to_head].filter(Boolean).join(" · ")} {one.collective && <Tag color="purple">{t("kind.collective")}</Tag>}
                <Tag>{t(one.lives_there ? "card.livesThere" : "kind.registered-only")}</Tag>
              </div>
            )),
          },
        ]
      : []),
    ...(care
      ? [
          {
            key: "care",
            label: t("column.care"),
            children: (
              <>
                {care.key_groups.map((code) => <Tag key={code} color="gold">{group(code)}</Tag>)}
                {care.unknown.map((code) => <Tag key={code}>{t("card.unsure", { group: group(code) })}</Tag>)}
                {care.key_groups.length + care.unknown.length === 0 && t("card.noGroup")}
              </>
            ),
          },
        ]
      : []),
  ];
  return (
    <Drawer open onClose={close} size={440} title={identity?.name ?? t("residents.noName")} styles={{ wrapper: { maxWidth: "100vw" } }}>
      <Flex vertical gap={16}>
        <Withheld of="read-residents" groups={withheld} />
        <Descriptions column={1} size="small" bordered items={items} styles={{ label: { width: 120 } }} />
        {followUps.map((one) => (
          <Flex key={one.follow_up_id} gap={8} align="center" wrap>
            <StateTag state={one.state} overdue={one.overdue} />
            <Typography.Text type="secondary">{one.until ? t("task.until", { day: format.day(one.until) }) : t("task.since", { day: format.day(one.since) })}</Typography.Text>
            <Link to={`/community/tasks/${one.follow_up_id}`}>{t("card.openTask")}</Link>
          </Flex>
        ))}
        <Link to={`/persons/${resident.person_id}`}>
          <Button icon={<IdcardOutlined />}>{t("card.file")}</Button>
        </Link>
        <Typography.Text type="secondary" style={{ fontSize: 12 }}>{t("card.fileHelp")}</Typography.Text>
      </Flex>
    </Drawer>
  );
}
