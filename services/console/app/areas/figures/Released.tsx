import { Card, Flex, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Page, ReceiptTag } from "../../parts/Page";
import { Asked, Empty } from "../../parts/states";
import { useReleased } from "./ask";
import { FigureTable } from "./FigureTable";

/** What everybody who may call may read. */
export function Released() {
  const { t } = useTranslation("figures");
  const query = useReleased();
  return (
    <Page title={t("released.title")} extra={<ReceiptTag receipt={query.data?.receipt} />}>
      <Typography.Paragraph type="secondary" className="figure-note">{t("released.lead")}</Typography.Paragraph>
      <Asked query={query}>
        {({ figures }) =>
          figures.length === 0 ? (
            <Empty>{t("released.none")}</Empty>
          ) : (
            <Flex vertical gap={16}>
              {figures.map((figure) => (
                <Card key={figure.figure} size="small" data-released={figure.kind} title={<h2 style={{ fontSize: 16, margin: 0 }}>{figure.title ?? t(`kind.${figure.kind}`, { defaultValue: figure.kind })}</h2>}>
                  {figure.note && <p className="figure-note" style={{ marginTop: 0 }}>{figure.note}</p>}
                  <FigureTable figure={figure} />
                </Card>
              ))}
            </Flex>
          )
        }
      </Asked>
    </Page>
  );
}
