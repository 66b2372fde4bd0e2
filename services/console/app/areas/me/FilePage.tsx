import { Alert, Card, Flex, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Asked, Empty, Failed, Loading } from "../../parts/states";
import { Golden } from "../../parts/person/Golden";
import type { PersonFile } from "../../parts/person/questions";
import { usePersonWords } from "../../parts/person/words";
import "./me.css";
import { AskCorrection, type Doubtful } from "./Correction";
import { useMyFile } from "./questions";

/** The own file, in plain words. */
export function FilePage() {
  const { t } = useTranslation("me");
  const { code, file } = useMyFile();
  return (
    <Page title={t("file.title")}>
      <Typography.Paragraph className="measure" type="secondary">
        {t("file.lead")}
      </Typography.Paragraph>
      {code.isPending ? (
        <Loading />
      ) : code.isError ? (
        <Failed error={code.error} retry={() => void code.refetch()} />
      ) : (
        <Asked query={file}>
          {(answer) =>
            "fork" in answer ? (
              <Empty>{t("person.missing")}</Empty>
            ) : (
              <>
                <Head name={answer.file.identity?.name?.value} records={answer.file.records} colour={code.data.colour} receipt={answer.file.receipt} />
                <Withheld groups={answer.file.withheld} />
                <Golden file={answer.file} />
                <Alert type="info" showIcon title={t("file.wrong")} description={t("file.wrongHelp")} action={<Correct file={answer.file} />} />
              </>
            )
          }
        </Asked>
      )}
    </Page>
  );
}

/** Every value of the file with the record that states it. */
function Correct({ file }: { file: PersonFile }) {
  const { t: words, sex, format, scheme } = usePersonWords();
  type Said<T> = { value: T; provenance?: { source: string; record_id: string; time: string } | null };
  const of = <T,>(field: string, fields: (Said<T> | null | undefined)[] | undefined, show: (value: T) => string): Doubtful[] =>
    (fields ?? []).flatMap((one) => (one?.provenance ? [{ field: words(`field.${field}`), value: show(one.value), source: one.provenance.source, record: one.provenance.record_id, time: one.provenance.time }] : []));
  const { identity, contact, residence } = file;
  const all = [
    ...of("name", [identity?.name], String),
    ...of("otherNames", identity?.other_names, String),
    ...of("birthDate", [identity?.birth_date], (day) => format.day(day)),
    ...of("sex", [identity?.sex], sex),
    ...of("identifiers", identity?.identifiers, (number) => `${scheme(number.scheme)} ${number.value}`),
    ...of("phones", contact?.phones, ({ number }) => number),
    ...of("address", [residence?.address], String),
    ...of("unit", [residence?.community_unit], String),
  ];
  return <AskCorrection kind="value" of={all} receipt={file.receipt.id} />;
}

function Head({ name, records, colour, receipt }: { name?: string; records: number; colour: string; receipt: { id: string } }) {
  const { t } = useTranslation("me");
  const { t: words } = usePersonWords();
  return (
    <Card size="small" style={{ marginBottom: 16 }}>
      <Flex gap="8px 24px" wrap align="center">
        <Typography.Text strong style={{ fontSize: 22 }} data-name>
          {name ?? words("notStated")}
        </Typography.Text>
        <Link to="/me/code">
          <span className={`code-disc small code-${colour}`} aria-hidden />
          {t("file.code")}: {t(`code.colour.${colour}`, { defaultValue: colour })}
        </Link>
        <Link to="/me/sources">
          {t("file.records", { count: records })} · {t("file.toSources")}
        </Link>
        <ReceiptTag receipt={receipt} />
      </Flex>
    </Card>
  );
}
