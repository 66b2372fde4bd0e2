/** One person: who it is, which instant is shown, and the pages of the file. */
import { ArrowLeftOutlined, HistoryOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Flex, Form, Popover, Typography } from "antd";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, Outlet, useLocation, useNavigate, useOutletContext, useParams, useSearchParams } from "react-router";
import { instantOf, minuteOf } from "../../parts/city";
import { MinuteInput } from "../../parts/DayInput";
import { Page, ReceiptTag } from "../../parts/Page";
import { Sections } from "../../parts/Sections";
import { Failed, Loading } from "../../parts/states";
import { useMay, usePersonFile, type Fork, type PersonFile } from "../../parts/person/questions";
import { usePersonWords } from "../../parts/person/words";
import { useTask } from "../../session/task";

export interface Shown {
  /** The id that the person has now, or had at the instant that is shown. */
  person: string;
  asOf?: string;
  file: PersonFile;
}

/** What the pages of a person are about. */
export function useShown(): Shown {
  return useOutletContext<Shown>();
}

const PAGES: [string, string][] = [
  ["file", "read-person"],
  ["records", "read-records"],
  ["links", "read-links"],
  ["timeline", "read-timeline"],
  ["lineage", "read-lineage"],
];

export function Person() {
  const { t } = useTranslation("persons");
  const { person = "" } = useParams();
  const navigate = useNavigate();
  const [query] = useSearchParams();
  const asOf = query.get("as_of") ?? undefined;
  const file = usePersonFile(person, asOf);
  const back = (
    <Link to="/persons" className="no-print">
      <ArrowLeftOutlined aria-hidden /> {t("back")}
    </Link>
  );
  if (file.isPending)
    return (
      <Page title={t("person")} extra={back}>
        <Loading />
      </Page>
    );
  if (file.isError)
    return (
      <Page title={t("person")} extra={back}>
        {asOf && <AsOfNote asOf={asOf} />}
        <Failed error={file.error} retry={() => void file.refetch()} way={<Button onClick={() => void navigate("/persons")}>{t("back")}</Button>} />
      </Page>
    );
  if ("fork" in file.data)
    return (
      <Page title={t("forked")} extra={back}>
        <Forked fork={file.data.fork} />
      </Page>
    );
  return <Pages file={file.data.file} asOf={asOf} back={back} />;
}

function Pages({ file, asOf, back }: { file: PersonFile; asOf?: string; back: ReactNode }) {
  const { t } = useTranslation("persons");
  const { t: words, format, sex } = usePersonWords();
  const { person = "" } = useParams();
  const { pathname, search } = useLocation();
  const task = useTask();
  const me = useMay(task?.purpose);
  const page = pathname.split("/")[3] || "file";
  const identity = file.identity;
  return (
    // The title of the document names nobody; the heading does.
    <Page title={t("person")} extra={back}>
      <Card size="small" style={{ marginBottom: 8 }}>
        <Flex gap="8px 20px" wrap align="center">
          <Typography.Text strong style={{ fontSize: 22 }} data-name>
            {identity?.name?.value ?? words("notStated")}
          </Typography.Text>
          <Typography.Text>
            {[identity?.sex && sex(identity.sex.value), identity?.birth_date && format.day(identity.birth_date.value)].filter(Boolean).join(" · ")}
          </Typography.Text>
          <Typography.Text type="secondary">{t("records", { count: file.records })}</Typography.Text>
          <Typography.Text type="secondary" code copyable={{ tooltips: false, text: file.person_id }} style={{ fontSize: 12 }}>
            {file.person_id}
          </Typography.Text>
          <ReceiptTag receipt={file.receipt} />
          <span style={{ flex: 1 }} />
          <AsOf asOf={asOf} />
        </Flex>
      </Card>
      {file.asked_for && <Alert type="info" showIcon title={t("merged")} description={t("mergedWhy", { old: file.asked_for })} style={{ marginBottom: 8 }} />}
      {asOf && <AsOfNote asOf={asOf} />}
      {/* What the role and the purpose do not open is not there. */}
      <Sections
        label={t("pages")}
        sections={PAGES.filter(([key, action]) => key === page || me.may(action)).map(([key]) => ({ to: `/persons/${person}${key === "file" ? "" : `/${key}`}${search}`, label: t(`tab.${key}`) }))}
      />
      <Outlet context={{ person: file.person_id, asOf, file } satisfies Shown} />
    </Page>
  );
}

function Forked({ fork }: { fork: Fork }) {
  const { t } = useTranslation("persons");
  const { search } = useLocation();
  return (
    <>
      <Alert type="warning" showIcon title={t("forked")} description={t("forkedWhy", { old: fork.asked_for })} style={{ marginBottom: 16 }} />
      <Flex vertical gap={8} role="list">
        {fork.fork.map((person) => (
          <Card key={person} size="small" role="listitem">
            <Link to={`/persons/${person}${search}`}>
              {t("forkOpen")} <Typography.Text code>{person}</Typography.Text>
            </Link>
          </Card>
        ))}
      </Flex>
      <ReceiptTag receipt={fork.receipt} />
    </>
  );
}

/** The instant of knowledge: now, or an earlier one. */
function AsOf({ asOf }: { asOf?: string }) {
  const { t } = useTranslation("persons");
  const { format } = usePersonWords();
  const [open, setOpen] = useState(false);
  const [query, setQuery] = useSearchParams();
  const go = ({ at }: { at: string }) => {
    query.set("as_of", instantOf(at) ?? "");
    setQuery(query);
    setOpen(false);
  };
  const form = (
    <Form layout="vertical" onFinish={go} initialValues={{ at: minuteOf(asOf ?? Date.now()) }}>
      <Form.Item name="at" label={t("asOf.label")} rules={[{ required: true }]}>
        <MinuteInput max={minuteOf(Date.now())} />
      </Form.Item>
      <Button type="primary" htmlType="submit">
        {t("asOf.show")}
      </Button>
    </Form>
  );
  return (
    <Popover content={form} trigger="click" open={open} onOpenChange={setOpen} placement="bottomRight" destroyOnHidden>
      <Button icon={<HistoryOutlined />} className="no-print">
        {t("asOf.label")}: {asOf ? format.instant(asOf) : t("asOf.now")}
      </Button>
    </Popover>
  );
}

function AsOfNote({ asOf }: { asOf: string }) {
  const { t } = useTranslation("persons");
  const { format } = usePersonWords();
  const [query, setQuery] = useSearchParams();
  const now = () => {
    query.delete("as_of");
    setQuery(query);
  };
  return (
    <Alert
      type="warning"
      showIcon
      title={t("asOf.then", { time: format.second(asOf) })}
      description={t("asOf.thenWhy")}
      action={<Button onClick={now}>{t("asOf.back")}</Button>}
      style={{ marginBottom: 8 }}
    />
  );
}
