import { FolderOpenOutlined, HomeOutlined, LockOutlined, PhoneOutlined, UserOutlined } from "@ant-design/icons";
import { Card, Flex, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";
import { ReceiptTag, useWithheld } from "../../../parts/Page";
import { Failed, Loading } from "../../../parts/states";
import { usePerson } from "../questions";
import { PersonLink, phoneText } from "../words";

/** Who it is, in one line. */
export function PersonStrip({ person, asOf }: { person: string; asOf?: string }) {
  const { t } = useTranslation("control");
  const { day } = useFormat();
  const say = useWithheld("read-person");
  const query = usePerson(person, asOf);
  if (query.isPending) return <Loading rows={1} />;
  if (query.isError) return <Failed error={query.error} retry={() => void query.refetch()} />;
  const { identity, contact, residence, withheld, receipt, person_id } = query.data;
  const sex = identity?.sex?.value;
  const phone = contact?.phones.find(({ value }) => value.own) ?? contact?.phones[0];
  return (
    <Card size="small" style={{ marginBottom: 8 }} data-part="person">
        <Flex gap="4px 20px" wrap align="center">
          <Typography.Text strong style={{ fontSize: 17 }}>
            <UserOutlined /> {identity?.name?.value ?? t("unknown", { ns: "common" })}
          </Typography.Text>
          <span>
            {[sex && t(`sex.${sex}`, { defaultValue: sex }), identity?.birth_date && t("born", { day: day(identity.birth_date.value) })].filter(Boolean).join(" · ")}
          </span>
          {phone && (
            <span>
              <PhoneOutlined /> <span className="numbers">{phoneText(phone.value.number)}</span>
            </span>
          )}
          {residence?.address && (
            <span>
              <HomeOutlined /> {residence.address.value}
            </span>
          )}
          <PersonLink id={person_id}>
            <FolderOpenOutlined /> {t("file")}
          </PersonLink>
          <ReceiptTag receipt={receipt} />
          {withheld.length > 0 && (
            <Typography.Text type="secondary">
              <LockOutlined /> {say(withheld)}
            </Typography.Text>
          )}
        </Flex>
    </Card>
  );
}
