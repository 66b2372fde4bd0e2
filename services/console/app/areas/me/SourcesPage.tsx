import { Alert, Card, Collapse, Flex, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Asked, Empty, Failed, Loading } from "../../parts/states";
import { asStatement } from "../../parts/person/compare";
import { useLinks, useRecords, type LinkView, type PartView, type RecordView, type Schemas } from "../../parts/person/questions";
import { RecordMatrix } from "../../parts/person/Records";
import { Waterfall } from "../../parts/person/Waterfall";
import { usePersonWords } from "../../parts/person/words";
import "./me.css";
import { ContestButton, MyContests } from "./Contests";
import { useMyFile } from "./questions";

type LinkList = Schemas["Receipted_LinkList"];

/** What each department states, and why its record is taken to be the resident's. */
export function SourcesPage() {
  const { t } = useTranslation("me");
  const { code, file } = useMyFile();
  const person = code.data?.person_id;
  const records = useRecords(person);
  const links = useLinks(person);
  const { source } = usePersonWords();
  const mine = file.data && "file" in file.data ? file.data.file : undefined;
  return (
    <Page title={t("sources.title")}>
      <Typography.Paragraph className="measure" type="secondary">
        {t("sources.lead")}
      </Typography.Paragraph>
      {code.isError || file.isError ? (
        <Failed error={code.error ?? file.error} retry={() => void (code.isError ? code.refetch() : file.refetch())} />
      ) : !mine ? (
        <Loading />
      ) : (
        <Asked query={records}>
          {(answer) => (
            <>
              <Withheld of="read-records" groups={answer.withheld} />
              {answer.records.length === 0 ? <Empty>{t("sources.none")}</Empty> : <RecordMatrix records={answer.records} golden={asStatement(mine)} label={t("sources.label")} below={(record) => <ContestButton record={record.record_id} what={source(record.source)} label={`${source(record.source)} ${record.record_id.slice(0, 8)}`} />} />}
              <Flex style={{ margin: "8px 0 24px" }}>
                <ReceiptTag receipt={answer.receipt} />
              </Flex>
              <h2 className="section-title">{t("sources.linksTitle")}</h2>
              <Typography.Paragraph type="secondary">{t("sources.linksLead")}</Typography.Paragraph>
              <Asked query={links} empty={(list) => list.links.length === 0}>
                {(list) => <Links list={list} records={answer.records} />}
              </Asked>
              <Alert
                type="info"
                showIcon
                title={t("sources.notMine")}
                style={{ marginTop: 16 }}
              />
              <MyContests />
            </>
          )}
        </Asked>
      )}
    </Page>
  );
}

function Links({ list, records }: { list: LinkList; records: RecordView[] }) {
  return (
    <Card size="small">
      <ul className="plain-list" data-links>
        {list.links.map((link) => (
          <One key={`${link.record_a} ${link.record_b}`} link={link} list={list} records={records} />
        ))}
      </ul>
      <ReceiptTag receipt={list.receipt} />
    </Card>
  );
}

function One({ link, list, records }: { link: LinkView; list: LinkList; records: RecordView[] }) {
  const { t } = useTranslation("me");
  const { source, part, level, format } = usePersonWords();
  const name = (id: string) => {
    const record = records.find((one) => one.record_id === id);
    return record ? source(record.source) : t("sources.a");
  };
  const real = link.parts.filter((one) => one.field !== "prior" && one.field !== "kinship");
  const words = (parts: PartView[]) =>
    new Intl.ListFormat(format.locale, { type: "conjunction" }).format(parts.map((one) => (one.level === "same" || one.level === "different" ? part(one.field) : `${part(one.field)} (${level(one.level)})`)));
  const counts = (one: PartView) => one.weight + (one.frequency ?? 0);
  const agree = real.filter((one) => counts(one) >= 0);
  const differ = real.filter((one) => counts(one) < 0);
  return (
    <li>
      <Typography.Text strong>
        {name(link.record_a)} – {name(link.record_b)}
      </Typography.Text>
      {agree.length > 0 && <div>{t("sources.agree", { list: words(agree) })}</div>}
      {differ.length > 0 && <div>{t("sources.disagree", { list: words(differ) })}</div>}
      {link.decision?.state === "in-force" && <div>{t("sources.decided")}</div>}
      <Collapse
        ghost
        size="small"
        items={[{ key: "numbers", label: t("sources.numbers"), children: <Waterfall parts={link.parts} weight={link.weight} link={list.link_threshold} review={list.review_threshold} model={link.model_version} /> }]}
      />
    </li>
  );
}
