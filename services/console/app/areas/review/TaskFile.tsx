/** A pair as a reviewer sees it: both records, and what the machine made of them. */
import { Alert, Card, Flex, Tag, Tooltip, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { ReceiptTag, Withheld } from "../../parts/Page";
import { Asked } from "../../parts/states";
import type { Schemas } from "../../parts/person/questions";
import { Pair } from "../../parts/person/Records";
import { Waterfall } from "../../parts/person/Waterfall";
import { short, usePersonWords } from "../../parts/person/words";
import { useTaskFile, type ReviewFile, type Task } from "./questions";

export function TaskFile({ task }: { task: Task }) {
  const file = useTaskFile(task.task_id);
  return <Asked query={file}>{(answer) => <File file={answer} />}</Asked>;
}

function File({ file }: { file: ReviewFile }) {
  const { t } = useTranslation("review");
  const { t: words, format, source, bits } = usePersonWords();
  const [a, b] = file.statements;
  const [one, other] = file.records;
  const together = one?.person_id && one.person_id === other?.person_id;
  const head = (name: string, statement: Schemas["StatementView"]) => {
    const kind = file.records.find((side) => side.record_id === statement.record_id)?.source_kind;
    return (
      <>
        <div>
          {name} <span className="mark quiet">{short(statement.record_id)}</span>
        </div>
        <div className="mark quiet">{statement.source ? source(statement.source) : kind ? words(`sourceKind.${kind}`, { defaultValue: kind }) : t("sourceUnseen")}</div>
      </>
    );
  };
  return (
    <div data-review={file.task_id}>
      <Flex gap="4px 12px" wrap align="center" style={{ margin: "4px 0 12px" }}>
        <Typography.Text strong style={{ fontSize: 20 }} className="numbers">
          {bits(file.weight)} {t("weight")}
        </Typography.Text>
        <Tag color="cyan">{t(`kind.${file.kind}`, { defaultValue: file.kind })}</Tag>
        <Typography.Text>{t(`kindHelp.${file.kind}`, { defaultValue: "" })}</Typography.Text>
        <Tooltip title={t(together ? "together" : "apart")}>
          <Typography.Text type="secondary">{t(together ? "together" : "apart")}</Typography.Text>
        </Tooltip>
        <Typography.Text type="secondary">{t("since", { day: format.day(file.since) })}</Typography.Text>
        <ReceiptTag receipt={file.receipt} />
      </Flex>
      {file.contradicts.length > 0 && <Alert type="warning" showIcon title={t("contradicts", { count: file.contradicts.length })} style={{ marginBottom: 12 }} />}
      <Withheld of="read-review" groups={file.withheld} />
      {a && b && <Pair sides={[a, b]} names={[t("recordA"), t("recordB")]} heads={[head(t("recordA"), a), head(t("recordB"), b)]} parts={file.parts} label={t("pairLabel")} />}
      <Card size="small" title={<h2 className="section-title">{t("why")}</h2>} style={{ marginTop: 16 }}>
        <Waterfall parts={file.parts} weight={file.weight} link={file.link_threshold} review={file.review_threshold} model={file.model_version} />
      </Card>
    </div>
  );
}
