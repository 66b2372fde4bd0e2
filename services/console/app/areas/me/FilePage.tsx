import { Alert, Card, Flex, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Page, ReceiptTag, Withheld } from "../../parts/Page";
import { Asked, Empty, Failed, Loading } from "../../parts/states";
import { Golden } from "../../parts/person/Golden";
import { usePersonWords } from "../../parts/person/words";
import "./me.css";
import { ContestButton, MyContests } from "./Contests";
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
                <Withheld of="read-person" groups={answer.file.withheld} />
                <Golden file={answer.file} beside={(value) => <ContestButton field={value.field} record={value.record} what={value.shown} label={value.label} />} />
                <Alert type="info" showIcon title={t("file.wrong")} description={t("file.wrongHelp")} />
                <MyContests />
              </>
            )
          }
        </Asked>
      )}
    </Page>
  );
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
