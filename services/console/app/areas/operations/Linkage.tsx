import { Card, Col, Row, Statistic, Tag, Typography } from "antd";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { usePersonWords } from "../../parts/person/words";
import { StackedTable } from "../../parts/StackedTable";
import { Asked, Empty } from "../../parts/states";
import { Version } from "../../parts/Version";
import { readLinkage, type Linkage } from "./ask";

/** The model that decides who is one person, what it decided, and what it leaves out because too many share it. */
export function LinkagePage() {
  const { t } = useTranslation("operations");
  const query = useQuery({ queryKey: ["operations", "linkage"], queryFn: readLinkage });
  return (
    <Page title={t("linkage.title")} extra={<ReceiptTag receipt={query.data?.receipt} />}>
      <Typography.Paragraph type="secondary">{t("linkage.lead")}</Typography.Paragraph>
      <Asked query={query}>{(linkage) => <Figures linkage={linkage} />}</Asked>
    </Page>
  );
}

function Figures({ linkage }: { linkage: Linkage }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  const { part } = usePersonWords();
  const title = (key: string) => <h2 style={{ fontSize: 16, margin: 0 }}>{t(key)}</h2>;
  const counts = (["persons", "records", "links", "reviews"] as const).map((name) => (
    <Col key={name} xs={12} md={6}><Card size="small"><Statistic title={t(`linkage.${name}`)} value={format.number(linkage[name])} /></Card></Col>
  ));
  return (
    <>
      <Row gutter={[12, 12]}>{counts}</Row>
      <Card size="small" title={title("linkage.model")} style={{ marginTop: 16 }} extra={<Tag><Version of={linkage.model_version} /></Tag>}>
        <Thresholds linkage={linkage} />
        <Typography.Paragraph type="secondary" style={{ margin: "8px 0 0" }}>{t("linkage.survivorship")}<Version of={linkage.survivorship_version} /></Typography.Paragraph>
        <Link to="/operations/models">{t("linkage.toModels")}</Link>
      </Card>
      <Row gutter={[16, 16]} style={{ marginTop: 16 }}>
        <Col xs={24} lg={12}>
          <Card size="small" title={title("linkage.hotValues")}>
            <Typography.Paragraph type="secondary">{t("linkage.hotValuesHelp")}</Typography.Paragraph>
            {linkage.hot_values.length === 0 ? <Empty>{t("linkage.hotNone")}</Empty> : (
              <StackedTable
                aria-label={t("linkage.hotValues")}
                rowKey="handle"
                size="small"
                virtual
                pagination={false}
                scroll={{ x: 480, y: 320 }}
                dataSource={linkage.hot_values}
                columns={[
                  { key: "kind", title: t("linkage.kind"), width: 130, render: (_, { kind }) => part(kind) },
                  { key: "records", title: t("linkage.records"), align: "end", width: 110, render: (_, { records }) => <span className="numbers">{format.number(records)}</span> },
                  { key: "bearers", title: t("linkage.bearers"), align: "end", width: 130, render: (_, { bearers }) => <span className="numbers">{format.number(bearers)}</span> },
                  { key: "handle", title: t("linkage.handle"), width: 110, render: (_, { handle }) => <Typography.Text code title={handle}>{handle.slice(0, 8)}</Typography.Text> },
                ]}
              />
            )}
          </Card>
        </Col>
        <Col xs={24} lg={12}>
          <Card size="small" title={title("linkage.hotBlocks")}>
            <Typography.Paragraph type="secondary">{t("linkage.hotBlocksHelp")}</Typography.Paragraph>
            {linkage.hot_blocks.length === 0 ? <Empty>{t("linkage.hotNone")}</Empty> : (
              <StackedTable
                aria-label={t("linkage.hotBlocks")}
                rowKey="handle"
                size="small"
                virtual
                pagination={false}
                scroll={{ x: 400, y: 320 }}
                dataSource={linkage.hot_blocks}
                columns={[
                  { key: "rule", title: t("linkage.rule"), width: 180, render: (_, { rule }) => part(rule) },
                  { key: "records", title: t("linkage.records"), align: "end", width: 110, render: (_, { records }) => <span className="numbers">{format.number(records)}</span> },
                  { key: "handle", title: t("linkage.handle"), width: 110, render: (_, { handle }) => <Typography.Text code title={handle}>{handle.slice(0, 8)}</Typography.Text> },
                ]}
              />
            )}
          </Card>
        </Col>
      </Row>
    </>
  );
}

/** Where a weight has to lie for what: apart, up for review, linked. */
function Thresholds({ linkage: { prior, review_threshold, link_threshold } }: { linkage: Linkage }) {
  const { t } = useTranslation("operations");
  const format = useFormat();
  return (
    <>
      <div className="thresholds">
        <div className="apart">{t("linkage.apart", { weight: format.number(review_threshold, 1) })}</div>
        <div className="review">{t("linkage.review", { from: format.number(review_threshold, 1), to: format.number(link_threshold, 1) })}</div>
        <div className="linked">{t("linkage.linked", { weight: format.number(link_threshold, 1) })}</div>
      </div>
      <Typography.Text type="secondary">{t("linkage.prior", { prior: format.number(prior, 1) })}</Typography.Text>
    </>
  );
}
