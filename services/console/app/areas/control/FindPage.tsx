import { SearchOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Flex, Form, Input, Segmented, Select, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { dayOf } from "../../parts/city";
import { DayInput } from "../../parts/DayInput";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Empty, ProblemAlert } from "../../parts/states";
import type { PersonCard } from "./model";
import { useFind } from "./questions";
import { PersonLink, short } from "./words";

const SCHEMES = ["CN_ID", "MSISDN", "PASSPORT", "HK_MO_PERMIT", "TW_PERMIT", "FOREIGN_PR", "HEALTH_CARD", "MRN", "GATE_CARD"] as const;

type Way = "identifier" | "name";

interface Asked {
  scheme: string;
  value: string;
  issuer?: string;
  name: string;
  birth_date: string;
}

/** Finds a person by a number of theirs, or by name and birth date. What is typed goes in the body, never into an address. */
export function FindPage() {
  const { t } = useTranslation("control");
  const [way, setWay] = useState<Way>("identifier");
  const find = useFind();
  const [form] = Form.useForm<Asked>();
  const scheme = Form.useWatch("scheme", form);
  const send = ({ scheme, value, issuer, name, birth_date }: Asked) =>
    find.mutate(way === "identifier" ? { identifiers: [{ scheme, value: value.trim(), issuer: issuer?.trim() || undefined }] } : { name: name.trim(), birth_date });
  return (
    <Page title={t("find.title")} extra={<ReceiptTag receipt={find.data?.receipt} />}>
      <Card size="small" style={{ maxWidth: 760, marginBottom: 16 }}>
        <Segmented<Way>
          aria-label={t("find.way")}
          value={way}
          onChange={(next) => {
            setWay(next);
            find.reset();
          }}
          options={(["identifier", "name"] as const).map((value) => ({ value, label: t(`find.${value}`) }))}
          style={{ marginBottom: 16 }}
        />
        <Form form={form} layout="vertical" onFinish={send} initialValues={{ scheme: "CN_ID" }} autoComplete="off">
          <Flex gap={16} wrap>
            {way === "identifier" ? (
              <>
                <Form.Item name="scheme" label={t("find.scheme")} style={{ flex: "1 1 200px" }}>
                  <Select options={SCHEMES.map((value) => ({ value, label: t(`scheme.${value}`) }))} />
                </Form.Item>
                <Form.Item name="value" label={t("find.value")} style={{ flex: "2 1 260px" }} rules={[{ required: true, whitespace: true, message: t("find.missing") }]}>
                  <Input autoComplete="off" maxLength={200} />
                </Form.Item>
                {scheme === "MRN" && (
                  <Form.Item name="issuer" label={t("find.issuer")} style={{ flex: "1 1 160px" }} rules={[{ required: true, message: t("find.missing") }]}>
                    <Input autoComplete="off" maxLength={64} />
                  </Form.Item>
                )}
              </>
            ) : (
              <>
                <Form.Item name="name" label={t("find.fullName")} style={{ flex: "2 1 240px" }} rules={[{ required: true, whitespace: true, message: t("find.missing") }]}>
                  <Input autoComplete="off" maxLength={200} />
                </Form.Item>
                <Form.Item name="birth_date" label={t("find.birth")} style={{ flex: "1 1 180px" }} rules={[{ required: true, message: t("find.missing") }]}>
                  <DayInput className="control-date" max={dayOf(Date.now())} />
                </Form.Item>
              </>
            )}
          </Flex>
          <Button type="primary" htmlType="submit" icon={<SearchOutlined />} loading={find.isPending}>
            {t("search", { ns: "common" })}
          </Button>
        </Form>
      </Card>
      {find.isError && <ProblemAlert error={find.error} />}
      {find.data && (
        <section aria-label={t("find.found")} aria-live="polite">
          <Withheld of="find-persons" groups={find.data.withheld} />
          {find.data.truncated && <Alert type="warning" showIcon title={t("find.truncated")} style={{ marginBottom: 12 }} />}
          {find.data.persons.length === 0 && <Empty>{t("find.none")}</Empty>}
          <div className="control-tiles" style={{ gridTemplateColumns: "repeat(auto-fill, minmax(280px, 1fr))" }}>
            {find.data.persons.map((card) => (
              <Found key={card.person_id} card={card} />
            ))}
          </div>
        </section>
      )}
    </Page>
  );
}

function Found({ card: { person_id, identity, contact, residence, matched } }: { card: PersonCard }) {
  const { t } = useTranslation("control");
  const { day } = useFormat();
  return (
    <Card size="small" data-person={person_id} title={<h2 className="control-h2">{identity?.name ?? `${t("person")} ${short(person_id)}`}</h2>}>
      <p style={{ marginTop: 0 }}>
        {[identity?.sex && t(`sex.${identity.sex}`, { defaultValue: identity.sex }), identity?.birth_date && t("born", { day: day(identity.birth_date) })].filter(Boolean).join(" · ")}
      </p>
      {contact?.phone && <p className="numbers">{contact.phone}</p>}
      {residence?.community_unit && <p className="numbers">{residence.community_unit}</p>}
      <p>
        {matched.map(({ scheme, role, current }) => (
          <Tag key={`${scheme} ${role}`}>
            {t(`scheme.${scheme}`, { defaultValue: scheme })}
            {role === "contact" && ` · ${t("find.asContact")}`}
            {!current && ` · ${t("find.formerly")}`}
          </Tag>
        ))}
      </p>
      <Flex gap={16} wrap>
        <PersonLink id={person_id}>
          <Typography.Text strong style={{ color: "inherit" }}>
            {t("file")}
          </Typography.Text>
        </PersonLink>
        <Link to={`/control/health-codes/${person_id}`}>{t("code.title")}</Link>
      </Flex>
    </Card>
  );
}
