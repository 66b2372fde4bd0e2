import { DownloadOutlined } from "@ant-design/icons";
import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Card, Col, Flex, Form, Input, Radio, Row, Select, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { askRaw, Problem } from "../../api/client";
import { Page, ReceiptTag } from "../../parts/Page";
import { ProblemAlert } from "../../parts/states";
import { useTask, type Purpose } from "../../session/task";
import { useLanguage } from "../../text";
import { useGroupName } from "./names";
import { useSummary } from "./unit";

/** Fields of a form, and what Chinese forms call them; the hub knows both names. */
const FIELDS: Record<string, string> = {
  unit: "网格",
  name: "姓名",
  sex: "性别",
  birth_date: "出生日期",
  age: "年龄",
  id_number: "公民身份号码",
  phone: "联系电话",
  address: "现住址",
  household: "户号",
  relation: "与户主关系",
  key_groups: "重点人群",
  person_id: "人员标识",
  number: "序号",
  township: "乡镇街道",
  registered_address: "户籍地址",
  household_kind: "户别",
  follow_up: "随访状态",
  quarantine_until: "隔离截止日期",
};

/** What each kind of file is called on the way. */
const MEDIA = { csv: "text/csv", xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" };

const PUBLIC_HEALTH = ["key_groups", "follow_up", "quarantine_until"];
const OPERATIONS = ["household", "household_kind", "relation"];

interface Template {
  key: string;
  columns: string[];
  /** The purpose that opens all of its columns. */
  purpose?: Purpose;
}

const TEMPLATES: Template[] = [
  { key: "residents", columns: ["unit", "name", "sex", "age", "phone", "address"] },
  { key: "register", columns: ["name", "sex", "birth_date", "id_number", "phone", "address"] },
  { key: "care", columns: ["name", "age", "key_groups", "phone", "address"], purpose: "PUBHLTH" },
  { key: "followUp", columns: ["number", "name", "sex", "age", "phone", "address", "follow_up", "quarantine_until"], purpose: "PUBHLTH" },
  { key: "households", columns: ["household", "relation", "name", "sex", "birth_date", "id_number", "address"], purpose: "HOPERAT" },
  { key: "own", columns: [] },
];

function fieldOf(heading: string): string | undefined {
  const wanted = heading.trim();
  return Object.keys(FIELDS).find((field) => field === wanted || FIELDS[field] === wanted);
}

/** Forms that are filled from the hub, so that nobody goes from door to door for what is known already. */
export function Reports({ unit }: { unit: string }) {
  const { t } = useTranslation("community");
  const chinese = useLanguage() === "zh";
  const purpose = useTask()?.purpose;
  const [template, setTemplate] = useState("residents");
  const [headings, setHeadings] = useState<string[]>();
  const [pasted, setPasted] = useState("");
  const [file, setFile] = useState<File>();
  const [group, setGroup] = useState<string>();
  const [format, setFormat] = useState<"xlsx" | "csv">("xlsx");
  const name = useGroupName();
  const chosen = TEMPLATES.find((one) => one.key === template);
  const heading = (field: string) => (chinese ? (FIELDS[field] ?? field) : field);
  const own = pasted.split(/[\t\n,，、;；]+/).map((one) => one.trim()).filter(Boolean);
  const columns = template === "own" ? own : (headings ?? chosen?.columns ?? []).map(heading);
  const unknown = columns.filter((one) => !fieldOf(one));
  const fields = new Set(columns.map(fieldOf));
  const has = (some: string[]) => some.some((field) => fields.has(field));
  const needed: Purpose | undefined = has(PUBLIC_HEALTH) || group ? "PUBHLTH" : has(OPERATIONS) ? "HOPERAT" : undefined;
  // The hub reads the headings of a file.
  const form = template === "own" ? file : undefined;
  const groups = useSummary(unit).data?.total.key_groups ?? [];
  const fill = useMutation({
    mutationFn: async () => {
      const body = form ?? JSON.stringify({ columns, format, ...(group ? { key_group: group } : {}) });
      const sent = form ? MEDIA[form.name.toLowerCase().endsWith(".xlsx") ? "xlsx" : "csv"] : "application/json";
      const query = form && group ? `?${new URLSearchParams({ key_group: group })}` : "";
      const headers = { "Content-Type": sent, Accept: MEDIA[format] };
      const response = await askRaw(`/v1/units/${unit}/reports${query}`, { method: "POST", body, headers });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(await response.blob());
      link.download = `${unit}-${template}.${format}`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      return response.headers.get("Isthmus-Receipt");
    },
  });
  const choose = (key: string) => {
    setTemplate(key);
    setHeadings(undefined);
    setFile(undefined);
    fill.reset();
  };
  return (
    <Page title={t("reports.title")} extra={<ReceiptTag receipt={fill.data ? { id: fill.data } : undefined} />}>
      <Typography.Paragraph type="secondary">{t("reports.claim")}</Typography.Paragraph>
      <Row gutter={[16, 16]}>
        <Col xs={24} lg={9}>
          <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16 }}>{t("reports.which")}</h2>}>
            <Radio.Group aria-label={t("reports.which")} value={template} onChange={(event) => choose(String(event.target.value))} style={{ display: "flex", flexDirection: "column", gap: 12 }}>
              {TEMPLATES.map((one) => (
                <Radio key={one.key} value={one.key} data-template={one.key}>
                  <strong>{t(`template.${one.key}.title`)}</strong>
                  <br />
                  <Typography.Text type="secondary">{t(`template.${one.key}.help`)}</Typography.Text>
                </Radio>
              ))}
            </Radio.Group>
          </Card>
        </Col>
        <Col xs={24} lg={15}>
          <Card size="small" title={<h2 style={{ margin: 0, fontSize: 16 }}>{t(`template.${template}.title`)}</h2>}>
            <Form layout="vertical">
              {template === "own" && (
                <Form.Item label={t("reports.file")} htmlFor="file" extra={t("reports.fileHelp")}>
                  <input id="file" type="file" accept=".csv,.xlsx" onChange={(event) => setFile(event.target.files?.[0])} />
                </Form.Item>
              )}
              {form ? null : template === "own" ? (
                <Form.Item label={t("reports.paste")} htmlFor="pasted" extra={t("reports.pasteHelp")}>
                  <Input.TextArea id="pasted" rows={3} value={pasted} onChange={(event) => setPasted(event.target.value)} placeholder={chinese ? "姓名，年龄，联系电话，现住址" : "name, age, phone, address"} />
                </Form.Item>
              ) : (
                <Form.Item label={t("reports.columns")} htmlFor="columns" extra={t("reports.columnsHelp")}>
                  <Select id="columns" mode="multiple" value={headings ?? chosen?.columns} onChange={setHeadings} maxCount={50} options={Object.keys(FIELDS).map((field) => ({ value: field, label: t(`field.${field}`) }))} />
                </Form.Item>
              )}
              {!form && columns.length > 0 && (
                <Form.Item label={t("reports.preview")}>
                  <Flex wrap gap={4} data-columns={columns.length}>
                    {columns.map((one, at) => (
                      <Tag key={`${at}-${one}`} color={fieldOf(one) ? undefined : "red"}>{one}{!fieldOf(one) && ` · ${t("reports.unknownColumn")}`}</Tag>
                    ))}
                  </Flex>
                </Form.Item>
              )}
              <Flex wrap gap="0 24px">
                <Form.Item label={t("reports.group")} htmlFor="group" style={{ flex: "1 1 220px" }}>
                  <Select id="group" allowClear placeholder={t("reports.everybody")} value={group} onChange={setGroup} options={groups.map((one) => ({ value: one.key_group, label: name(one.key_group) }))} disabled={groups.length === 0} />
                </Form.Item>
                <Form.Item label={t("reports.format")}>
                  <Radio.Group aria-label={t("reports.format")} value={format} onChange={(event) => setFormat(event.target.value as "xlsx" | "csv")} optionType="button" options={[{ value: "xlsx", label: "XLSX" }, { value: "csv", label: "CSV" }]} />
                </Form.Item>
              </Flex>
              {needed && needed !== purpose && <Alert type="info" showIcon style={{ marginBottom: 16 }} title={t("reports.needs", { purpose: t(`purpose.${needed}`, { ns: "common" }) })} />}
              {fill.isError && <div style={{ marginBottom: 16 }}><ProblemAlert error={fill.error} />{form && fill.error instanceof Problem && <Typography.Paragraph type="secondary" style={{ fontSize: 12 }}>{fill.error.detail}</Typography.Paragraph>}</div>}
              {fill.isSuccess && <Alert type="success" showIcon style={{ marginBottom: 16 }} title={t("reports.done")} data-done />}
              <Button type="primary" icon={<DownloadOutlined />} loading={fill.isPending} disabled={!form && (columns.length === 0 || unknown.length > 0)} onClick={() => fill.mutate()}>
                {t("reports.fill")}
              </Button>
              <Typography.Paragraph type="secondary" style={{ fontSize: 12, margin: "12px 0 0" }}>{t("reports.onRecord")}</Typography.Paragraph>
            </Form>
          </Card>
        </Col>
      </Row>
    </Page>
  );
}
