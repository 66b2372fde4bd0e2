import { CheckCircleTwoTone, ClockCircleOutlined, DownloadOutlined, LoadingOutlined, WarningTwoTone } from "@ant-design/icons";
import { Alert, Button, Card, Flex, Typography } from "antd";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { saveText } from "../../parts/save";
import { Page } from "../../parts/Page";
import { ProblemAlert } from "../../parts/states";
import "./me.css";
import { PARTS, takeAlong, type Progress } from "./take";

const ICONS = { waiting: <ClockCircleOutlined />, running: <LoadingOutlined />, done: <CheckCircleTwoTone twoToneColor="#2a7f62" />, failed: <WarningTwoTone twoToneColor="#d46b08" /> };

/** Everything of the own file as one file, put together in the browser. */
export function TakePage() {
  const { t } = useTranslation("me");
  const [progress, setProgress] = useState<Progress[]>();
  const take = useMutation({
    mutationFn: async () => {
      const { parts, failed } = await takeAlong(setProgress);
      const day = new Date().toISOString().slice(0, 10);
      saveText(`isthmus-my-file-${day}.json`, "application/json", `${JSON.stringify({ made: new Date().toISOString(), ...parts }, null, 2)}\n`);
      return failed;
    },
  });
  return (
    <Page title={t("take.title")}>
      <Flex vertical gap={16} style={{ maxWidth: 760 }}>
        <Typography.Text>{t("take.lead")}</Typography.Text>
        <Alert type="warning" showIcon title={t("take.care")} />
        <div>
          <Button type="primary" size="large" icon={<DownloadOutlined />} loading={take.isPending} onClick={() => take.mutate()}>
            {t("take.make")}
          </Button>
        </div>
        <div aria-live="polite">
          {take.isError && <ProblemAlert error={take.error} />}
          {take.isSuccess && <Alert type={take.data.length > 0 ? "warning" : "success"} showIcon title={t(take.data.length > 0 ? "take.partly" : "take.ready")} data-ready />}
        </div>
        <Card size="small">
          <ul className="plain-list">
            {(progress ?? PARTS.map((name): Progress => ({ name, state: "waiting" }))).map((part) => (
              <li key={part.name} data-part={part.name} data-state={part.state}>
                <Flex gap={12} align="center">
                  <span aria-hidden>{progress && ICONS[part.state]}</span>
                  <span style={{ flex: 1 }}>{t(`take.part.${part.name}`)}</span>
                  {progress && (
                    <Typography.Text type="secondary">
                      {part.state === "done" ? t("take.entries", { count: part.count ?? 0 }) : t(`take.state.${part.state}`, { why: part.why ?? "" })}
                    </Typography.Text>
                  )}
                </Flex>
              </li>
            ))}
          </ul>
        </Card>
        <Typography.Text type="secondary">{t("take.receipts")}</Typography.Text>
      </Flex>
    </Page>
  );
}
