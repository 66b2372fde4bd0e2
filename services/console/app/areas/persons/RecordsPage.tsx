import { Alert, Flex, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { ReceiptTag, Withheld } from "../../parts/Page";
import { Asked, Empty } from "../../parts/states";
import { asStatement } from "../../parts/person/compare";
import { useRecords } from "../../parts/person/questions";
import { RecordMatrix } from "../../parts/person/Records";
import { useShown } from "./Person";

/** What the sources state, beside what the file took over. */
export function RecordsPage() {
  const { t } = useTranslation("persons");
  const { person, asOf, file } = useShown();
  const records = useRecords(person, asOf);
  return (
    <Asked query={records}>
      {(answer) => (
        <>
          <Flex gap={12} wrap align="center" style={{ marginBottom: 12 }}>
            <Typography.Text type="secondary">{t("recordsPage.lead")}</Typography.Text>
            <ReceiptTag receipt={answer.receipt} />
          </Flex>
          <Withheld of="read-records" groups={answer.withheld} />
          {answer.truncated && <Alert type="warning" showIcon title={t("recordsPage.truncated")} style={{ marginBottom: 12 }} />}
          {answer.records.length === 0 ? <Empty>{t("recordsPage.none")}</Empty> : <RecordMatrix records={answer.records} golden={asStatement(file)} label={t("recordsPage.label")} />}
        </>
      )}
    </Asked>
  );
}
