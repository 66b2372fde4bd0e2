import { useTranslation } from "react-i18next";
import { Page } from "../../parts/Page";

export default function Area() {
  const { t } = useTranslation();
  return <Page title={t("area.control")}>…</Page>;
}
