/** Finding a person: by numbers, or by name and birth date. What is entered goes in the body, and nowhere else. */
import { SearchOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Flex, Form, Input, Segmented, Select, Table, Tag, Typography } from "antd";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, ask } from "../../api/client";
import { dayOf } from "../../parts/city";
import { DayInput } from "../../parts/DayInput";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Empty, ProblemAlert } from "../../parts/states";
import { phoneText } from "../../parts/person/Golden";
import { stated, type Schemas } from "../../parts/person/questions";
import { usePersonWords } from "../../parts/person/words";

type Found = Schemas["Receipted_PersonList"];
type Question = { scheme?: string; value?: string; issuer?: string; name?: string; birthDate?: string };

const SCHEMES = ["CN_ID", "MSISDN", "PASSPORT", "HK_MO_PERMIT", "TW_PERMIT", "FOREIGN_PR", "MRN", "HEALTH_CARD", "GATE_CARD", "WALLET", "BANK_CARD", "HOUSEHOLD", "METER_ACCOUNT", "TICKET"];
const WITH_ISSUER = new Set(["MRN", "HEALTH_CARD", "GATE_CARD", "WALLET", "HOUSEHOLD", "METER_ACCOUNT", "TICKET"]);
/** What was found last, so that coming back from a file asks nothing again. It goes with the task and the session. */
const FOUND = ["persons", "found"];

export function Find() {
  const { t } = useTranslation("persons");
  const { scheme } = usePersonWords();
  const queries = useQueryClient();
  const [way, setWay] = useState<"number" | "name">("number");
  const last = useQuery<Found | null>({ queryKey: FOUND, queryFn: () => null, enabled: false });
  const find = useMutation({
    mutationFn: ({ scheme, value, issuer, name, birthDate }: Question) =>
      ask(
        api.POST("/v1/persons/find", {
          params: { header: stated() },
          body: scheme
            ? { identifiers: [{ scheme, value: value?.trim() ?? "", ...(issuer && { issuer: issuer.trim() }) }] }
            : { identifiers: [], name: name?.trim(), birth_date: birthDate },
        }),
      ),
    onMutate: () => queries.setQueryData(FOUND, null),
    onSuccess: (found) => queries.setQueryData(FOUND, found),
  });
  const [form] = Form.useForm<Question>();
  const chosen = Form.useWatch("scheme", form) ?? "CN_ID";
  return (
    <Page title={t("find.title")}>
      <Card size="small" style={{ marginBottom: 16, maxWidth: 880 }}>
        <Segmented
          aria-label={t("find.how")}
          value={way}
          onChange={setWay}
          options={[
            { value: "number", label: t("find.byNumber") },
            { value: "name", label: t("find.byName") },
          ]}
          style={{ marginBottom: 16 }}
        />
        <Form form={form} layout="vertical" onFinish={(question) => find.mutate(question)} initialValues={{ scheme: "CN_ID" }}>
          {way === "number" ? (
            <Flex gap={16} wrap>
              <Form.Item name="scheme" label={t("find.scheme")} style={{ flex: "1 1 180px", marginBottom: 12 }}>
                <Select options={SCHEMES.map((code) => ({ value: code, label: scheme(code) }))} />
              </Form.Item>
              <Form.Item name="value" label={t("find.value")} extra={t("find.valueHelp")} rules={[{ required: true, whitespace: true, message: t("find.valueMissing") }]} style={{ flex: "3 1 260px", marginBottom: 12 }}>
                <Input autoComplete="off" maxLength={200} />
              </Form.Item>
              {WITH_ISSUER.has(chosen) && (
                <Form.Item name="issuer" label={t("find.issuer")} extra={t("find.issuerHelp")} style={{ flex: "1 1 200px", marginBottom: 12 }}>
                  <Input autoComplete="off" maxLength={200} />
                </Form.Item>
              )}
            </Flex>
          ) : (
            <Flex gap={16} wrap>
              <Form.Item name="name" label={t("find.name")} rules={[{ required: true, whitespace: true, message: t("find.nameMissing") }]} style={{ flex: "2 1 240px", marginBottom: 12 }}>
                <Input autoComplete="off" maxLength={200} />
              </Form.Item>
              <Form.Item name="birthDate" label={t("find.birthDate")} rules={[{ required: true, message: t("find.birthMissing") }]} style={{ flex: "1 1 180px", marginBottom: 12 }}>
                <DayInput min="1890-01-01" max={dayOf(Date.now())} />
              </Form.Item>
            </Flex>
          )}
          <Flex gap={16} align="center" wrap>
            <Button type="primary" htmlType="submit" icon={<SearchOutlined />} loading={find.isPending}>
              {t("find.go")}
            </Button>
            <Typography.Text type="secondary" style={{ flex: "1 1 260px", fontSize: 12 }}>
              {t("find.privacy")}
            </Typography.Text>
          </Flex>
        </Form>
      </Card>
      <div aria-live="polite">
        {find.isError && <ProblemAlert error={find.error} />}
        {last.data && <Results found={last.data} />}
      </div>
    </Page>
  );
}

function Results({ found }: { found: Found }) {
  const { t } = useTranslation("persons");
  const { t: words, format, scheme, sex } = usePersonWords();
  if (found.persons.length === 0)
    return (
      <>
        <Empty>{t("find.none")}</Empty>
        <Flex justify="center">
          <ReceiptTag receipt={found.receipt} />
        </Flex>
      </>
    );
  return (
    <>
      <Flex gap={12} align="center" wrap style={{ marginBottom: 8 }}>
        <h2 className="section-title">{t("find.found", { count: found.persons.length })}</h2>
        <ReceiptTag receipt={found.receipt} />
      </Flex>
      <Withheld of="find-persons" groups={found.withheld} />
      {found.truncated && <Alert type="warning" showIcon title={t("find.truncated")} style={{ marginBottom: 12 }} />}
      <Table
        aria-label={t("find.title")}
        rowKey="person_id"
        pagination={false}
        size="middle"
        dataSource={found.persons}
        scroll={{ x: "max-content" }}
        columns={[
          {
            title: t("find.person"),
            render: (_, person) => (
              <>
                <Link to={`/persons/${person.person_id}`} data-person={person.person_id}>
                  <strong>{person.identity?.name ?? t("find.open")}</strong>
                </Link>
                <div>
                  <Typography.Text type="secondary" style={{ fontSize: 12 }}>
                    {[person.identity?.sex && sex(person.identity.sex), person.identity?.birth_date && format.day(person.identity.birth_date)].filter(Boolean).join(" · ")}
                  </Typography.Text>
                </div>
              </>
            ),
          },
          { title: words("field.phone"), render: (_, person) => (person.contact?.phone ? phoneText(person.contact.phone) : "–") },
          { title: t("find.unit"), render: (_, person) => person.residence?.community_unit ?? person.residence?.division_code ?? "–" },
          {
            title: t("find.why"),
            render: (_, person) =>
              person.matched.map((match, at) => (
                <Tag key={at} variant="filled">
                  {scheme(match.scheme)}: {t(`find.role.${match.role}`, { defaultValue: match.role })}
                  {!match.current && ` (${t("find.former")})`}
                </Tag>
              )),
          },
        ]}
      />
    </>
  );
}
