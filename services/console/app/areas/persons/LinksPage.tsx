import { DownloadOutlined } from "@ant-design/icons";
import { Alert, Button, Card, Flex, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { download } from "../../api/client";
import { ReceiptTag, Withheld } from "../../parts/Page";
import { Asked, Empty } from "../../parts/states";
import { useLinks, useMay, useRecords, type LinkView, type RecordView, type Schemas } from "../../parts/person/questions";
import { Pair } from "../../parts/person/Records";
import { Waterfall } from "../../parts/person/Waterfall";
import { short, usePersonWords } from "../../parts/person/words";
import { Version } from "../../parts/Version";
import { useTask } from "../../session/task";
import { useShown } from "./Person";

type LinkList = Schemas["Receipted_LinkList"];

/** Why the records of a person belong together: each link, its weight, and how the weight adds up. */
export function LinksPage() {
  const { person, asOf } = useShown();
  const links = useLinks(person, asOf);
  const may = useMay(useTask()?.purpose);
  const records = useRecords(may.may("read-records") ? person : undefined, asOf);
  return <Asked query={links}>{(answer) => <Links answer={answer} records={records.data?.records ?? []} />}</Asked>;
}

function Links({ answer, records }: { answer: LinkList; records: RecordView[] }) {
  const { t } = useTranslation("persons");
  const { format, source, bits } = usePersonWords();
  const { links, weakest } = answer;
  const key = (link: { record_a: string; record_b: string }) => `${link.record_a} ${link.record_b}`;
  const weakestKey = weakest ? key(weakest) : undefined;
  const [chosen, setChosen] = useState(weakestKey);
  const link = links.find((one) => key(one) === chosen) ?? links[0];
  const name = (id: string) => {
    const record = records.find((one) => one.record_id === id);
    return record ? source(record.source) : t("linksPage.unseen");
  };
  return (
    <>
      <Flex gap={12} wrap align="center" style={{ marginBottom: 12 }}>
        <Typography.Text type="secondary">{t("linksPage.lead")}</Typography.Text>
        <ReceiptTag receipt={answer.receipt} />
      </Flex>
      <Withheld of="read-links" groups={answer.withheld} />
      {link ? (
        <>
          <div className="key-facts">
            <Fact big={format.number(links.length + 1)} small={t("linksPage.records")} />
            <Fact big={format.number(links.length)} small={t("linksPage.links")} />
            {weakest && <Fact big={bits(weakest.weight)} small={t("linksPage.weakestWeight")} />}
            <Fact big={bits(answer.link_threshold)} small={t("linksPage.threshold")} />
            <div>
              <span className="big long">
                <Version of={answer.model_version} />
              </span>
              <span className="small">{t("linksPage.model")}</span>
            </div>
          </div>
          {answer.truncated && <Alert type="warning" showIcon title={t("linksPage.truncated")} style={{ marginBottom: 12 }} />}
          <div className="links-layout">
            <Card size="small" styles={{ body: { padding: 0 } }} title={<h2 className="section-title">{t("linksPage.label")}</h2>}>
              <ul className="link-list">
                {links.map((one) => (
                  <li key={key(one)}>
                    <button type="button" aria-current={one === link} onClick={() => setChosen(key(one))} data-link>
                      <span>
                        {name(one.record_a)} – {name(one.record_b)}
                      </span>
                      <span className="weight">{bits(one.weight)}</span>
                      <span className="mark quiet">
                        {short(one.record_a)} – {short(one.record_b)}
                      </span>
                      {key(one) === weakestKey && <Tag color="orange">{t("linksPage.weakest")}</Tag>}
                    </button>
                  </li>
                ))}
              </ul>
            </Card>
            <One link={link} answer={answer} records={records} isWeakest={key(link) === weakestKey} />
          </div>
        </>
      ) : (
        <Empty>{t("linksPage.single")}</Empty>
      )}
      <Decisions decisions={answer.decisions} />
    </>
  );
}

function Fact({ big, small }: { big: string; small: string }) {
  return (
    <div>
      <span className="big">{big}</span>
      <span className="small">{small}</span>
    </div>
  );
}

function One({ link, answer, records, isWeakest }: { link: LinkView; answer: LinkList; records: RecordView[]; isWeakest: boolean }) {
  const { t } = useTranslation("persons");
  const { source } = usePersonWords();
  const { asOf } = useShown();
  const [one, other] = [link.record_a, link.record_b].map((id) => records.find((record) => record.record_id === id));
  const head = (record: RecordView) => (
    <>
      <div>{source(record.source)}</div>
      <div className="mark quiet">{short(record.record_id)}</div>
    </>
  );
  const namesOf = (a: RecordView, b: RecordView): [string, string] =>
    a.source === b.source ? [short(a.record_id), short(b.record_id)] : [source(a.source), source(b.source)];
  const save = () => {
    const query = new URLSearchParams({ record_a: link.record_a, record_b: link.record_b, ...(asOf && { as_of: asOf }) });
    return download(`/v1/persons/${answer.person_id}/links?${query}`, `link-${short(link.record_a)}-${short(link.record_b)}.svg`, { headers: { Accept: "image/svg+xml" } });
  };
  return (
    <Flex vertical gap={16} style={{ minWidth: 0 }}>
      <Card
        size="small"
        title={<h2 className="section-title">{t("linksPage.why")}</h2>}
        extra={
          <Button size="small" icon={<DownloadOutlined />} onClick={() => void save()}>
            {t("linksPage.picture")}
          </Button>
        }
      >
        {isWeakest && <Alert type="warning" showIcon title={t("linksPage.weakestNote")} style={{ marginBottom: 8 }} />}
        {link.decision && <Alert type="info" showIcon title={t("linksPage.decision", { verdict: t(`linksPage.verdict.${link.decision.verdict}`), state: t(`linksPage.state.${link.decision.state}`) })} style={{ marginBottom: 8 }} />}
        <Waterfall parts={link.parts} weight={link.weight} link={answer.link_threshold} review={answer.review_threshold} model={link.model_version} />
      </Card>
      {one && other && (
        <Card size="small" title={<h2 className="section-title">{t("linksPage.pair")}</h2>}>
          <Pair sides={[one, other]} names={namesOf(one, other)} heads={[head(one), head(other)]} parts={link.parts} label={t("linksPage.pairLabel")} />
        </Card>
      )}
    </Flex>
  );
}

function Decisions({ decisions }: { decisions: LinkList["decisions"] }) {
  const { t } = useTranslation("persons");
  if (decisions.length === 0) return null;
  return (
    <Card size="small" title={<h2 className="section-title">{t("linksPage.decisions")}</h2>} style={{ marginTop: 16 }}>
      <Typography.Paragraph type="secondary">{t("linksPage.outrank")}</Typography.Paragraph>
      <ul>
        {decisions.map((decision) => (
          <li key={decision.decision_id}>
            {t("linksPage.decision", { verdict: t(`linksPage.verdict.${decision.verdict}`), state: t(`linksPage.state.${decision.state}`) })}: {decision.records.map(short).join(" – ")}
          </li>
        ))}
      </ul>
    </Card>
  );
}
