import { Alert, Card, Flex, Tag, Timeline, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ReceiptTag, Withheld } from "../../parts/Page";
import { Asked, Empty } from "../../parts/states";
import { useLineage, type Schemas } from "../../parts/person/questions";
import { short, usePersonWords } from "../../parts/person/words";
import { Version } from "../../parts/Version";
import { useShown } from "./Person";

const COLOURS: Record<string, string> = { created: "green", restored: "green", joined: "blue", split: "orange", merged: "gray", forked: "orange", ended: "gray" };

/** What became of the person: created, merged, split. */
export function LineagePage() {
  const { t } = useTranslation("persons");
  const { person, file } = useShown();
  const lineage = useLineage(file.asked_for ?? person);
  return (
    <Asked query={lineage}>
      {(answer) => (
        <>
          <Flex gap={12} wrap align="center" style={{ marginBottom: 12 }}>
            <Typography.Text type="secondary">{t("lineagePage.lead")}</Typography.Text>
            <ReceiptTag receipt={answer.receipt} />
          </Flex>
          <Withheld of="read-lineage" groups={answer.withheld} />
          {answer.truncated && <Alert type="warning" showIcon title={t("lineagePage.truncated")} style={{ marginBottom: 12 }} />}
          {answer.entries.length === 0 ? (
            <Empty>{t("lineagePage.none")}</Empty>
          ) : (
            <Card size="small" styles={{ body: { paddingTop: 20 } }}>
              <Timeline items={answer.entries.map((entry) => ({ key: entry.seq, color: COLOURS[entry.kind], content: <Entry entry={entry} person={answer.person_id} /> }))} />
            </Card>
          )}
        </>
      )}
    </Asked>
  );
}

function Entry({ entry, person }: { entry: Schemas["LineageEntry"]; person: string }) {
  const { t } = useTranslation("persons");
  const { format } = usePersonWords();
  return (
    <div data-lineage={entry.kind}>
      <Flex gap={8} wrap align="center">
        <strong>{t(`lineagePage.kind.${entry.kind}`, { defaultValue: entry.kind })}</strong>
        <Typography.Text type="secondary">{format.second(entry.at)}</Typography.Text>
        <Typography.Text code style={{ fontSize: 12 }}>
          {short(entry.person_id)}
        </Typography.Text>
        {entry.person_id === person && <Tag variant="filled">{t("lineagePage.self")}</Tag>}
      </Flex>
      <Persons label={t("lineagePage.fromPersons")} ids={entry.from_persons} />
      <Persons label={t("lineagePage.intoPersons")} ids={entry.into_persons} />
      <div>
        <Typography.Text type="secondary">
          {t("lineagePage.because", { cause: t(`lineagePage.cause.${entry.cause}`, { defaultValue: entry.cause }) })} · {t("lineagePage.model")}<Version of={entry.model_version} />
        </Typography.Text>
      </div>
      <Link to={`/persons/${entry.person_id}?as_of=${encodeURIComponent(entry.at)}`}>{t("lineagePage.then")}</Link>
    </div>
  );
}

function Persons({ label, ids }: { label: string; ids: string[] }) {
  if (ids.length === 0) return null;
  return (
    <Flex gap="4px 12px" wrap>
      <Typography.Text type="secondary">{label}:</Typography.Text>
      {ids.map((id) => (
        <Link key={id} to={`/persons/${id}`}>
          <Typography.Text code>{short(id)}</Typography.Text>
        </Link>
      ))}
    </Flex>
  );
}
