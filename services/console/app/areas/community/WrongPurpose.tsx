import { Result } from "antd";
import { useTranslation } from "react-i18next";
import { Page } from "../../parts/Page";

/** A page that another purpose opens; the bar above says how to change it. */
export function WrongPurpose({ title }: { title: string }) {
  const { t } = useTranslation("community");
  return (
    <Page title={title}>
      <Result status="info" title={t("wrongPurpose")} subTitle={t("wrongPurposeHelp")} />
    </Page>
  );
}
