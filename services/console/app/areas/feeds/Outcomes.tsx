/** What became of the rows of a batch: a bar, and the numbers that add up. */
import { CheckCircleFilled, ExclamationCircleFilled } from "@ant-design/icons";
import { Flex, Typography, theme } from "antd";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../parts/format";

export interface Outcome {
  rows: number;
  accepted: number;
  duplicate: number;
  superseded: number;
  quarantined: number;
}

export const OUTCOMES = ["accepted", "duplicate", "superseded", "quarantined"] as const;

export function useOutcomeColours(): Record<(typeof OUTCOMES)[number], string> {
  const { token } = theme.useToken();
  return { accepted: token.colorPrimary, duplicate: token.colorTextQuaternary, superseded: token.gold5, quarantined: token.colorError };
}

export function OutcomeBar({ of, height = 10 }: { of: Outcome; height?: number }) {
  const { t } = useTranslation("feeds");
  const { token } = theme.useToken();
  const colours = useOutcomeColours();
  const label = OUTCOMES.map((name) => `${t(`outcome.${name}`)} ${of[name]}`).join(", ");
  return (
    <div role="img" aria-label={label} style={{ display: "flex", height, borderRadius: height / 2, overflow: "hidden", background: token.colorFillSecondary }}>
      {OUTCOMES.map((name) => of[name] > 0 && <span key={name} style={{ flexGrow: of[name], minWidth: 3, background: colours[name] }} />)}
    </div>
  );
}

export function Outcomes({ of, wouldBe = false }: { of: Outcome; wouldBe?: boolean }) {
  const { t } = useTranslation("feeds");
  const { number, percent } = useFormat();
  const { token } = theme.useToken();
  const colours = useOutcomeColours();
  const sum = OUTCOMES.reduce((added, name) => added + of[name], 0);
  return (
    <Flex vertical gap={12} data-rows={of.rows}>
      <OutcomeBar of={of} />
      <Flex wrap gap="8px 32px">
        <div>
          <Typography.Text type="secondary">{t("outcome.rows")}</Typography.Text>
          <div className="numbers" style={{ fontSize: 24, fontWeight: 600 }}>{number(of.rows)}</div>
        </div>
        {OUTCOMES.map((name) => (
          <div key={name} data-outcome={name} data-count={of[name]}>
            <Typography.Text type="secondary">
              <span aria-hidden style={{ display: "inline-block", width: 10, height: 10, borderRadius: 3, marginInlineEnd: 6, background: colours[name] }} />
              {t(`outcome.${name}`)}
            </Typography.Text>
            <div className="numbers" style={{ fontSize: 24, fontWeight: 600, color: name === "quarantined" && of[name] > 0 ? token.colorErrorText : undefined }}>
              {number(of[name])}
              {of.rows > 0 && of[name] > 0 && of[name] < of.rows && <Typography.Text type="secondary" style={{ fontSize: 13, fontWeight: 400 }}> {percent(of[name] / of.rows)}</Typography.Text>}
            </div>
          </div>
        ))}
      </Flex>
      <Typography.Text type="secondary" style={{ fontSize: 12 }}>
        {sum === of.rows ? <CheckCircleFilled aria-hidden style={{ color: token.colorSuccess }} /> : <ExclamationCircleFilled aria-hidden style={{ color: token.colorError }} />}{" "}
        {sum === of.rows ? t(wouldBe ? "outcome.wouldAgree" : "outcome.agrees") : t("outcome.differs")}
      </Typography.Text>
    </Flex>
  );
}
