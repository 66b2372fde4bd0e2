import { ExperimentOutlined, SendOutlined } from "@ant-design/icons";
import { Button, Flex, Typography, theme } from "antd";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";

interface Props {
  changed: number;
  total: number;
  busy: boolean;
  send: (kind: "try" | "push") => void;
  reset: () => void;
}

/** How much is mended, and what to do with it; in sight however long the list is. */
export function Foot({ changed, total, busy, send, reset }: Props) {
  const { t } = useTranslation("feeds");
  const { number } = useFormat();
  const { token } = theme.useToken();
  return (
    <Flex wrap gap={8} align="center" style={{ position: "sticky", bottom: 0, padding: 12, background: token.colorBgElevated, border: `1px solid ${token.colorBorderSecondary}`, borderRadius: 8, boxShadow: token.boxShadowTertiary }}>
      <Typography.Text role="status" style={{ flex: "1 1 160px" }} data-changed={changed}>
        {t("mend.changed", { changed: number(changed), total: number(total) })}
      </Typography.Text>
      <Button type="text" disabled={changed === 0 || busy} onClick={reset}>{t("mend.reset")}</Button>
      <Button icon={<ExperimentOutlined />} disabled={changed === 0 || busy} onClick={() => send("try")} data-try>{t("push.try")}</Button>
      <Button type="primary" icon={<SendOutlined />} disabled={changed === 0 || busy} onClick={() => send("push")} data-push>{t("mend.push")}</Button>
    </Flex>
  );
}
