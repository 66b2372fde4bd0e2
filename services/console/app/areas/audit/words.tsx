import { Alert, Tag, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { PROBLEMS } from "../../parts/problems.text";
import { useLanguage } from "../../text";

/** What a code means; a code that has no words is shown as it is. */
export function useCodes() {
  const { t } = useTranslation("audit");
  const { t: common } = useTranslation();
  const language = useLanguage();
  const of = (group: string) => (code: string) => t(`${group}.${code}`, { defaultValue: code, keySeparator: "." });
  return {
    action: of("actions"),
    verdict: of("verdicts"),
    reason: of("reasons"),
    /** What the log does not say itself is a problem that the one who asked was told of. */
    refusal: (code: string) => of("refusals")(code) === code ? (PROBLEMS[language][code]?.[0].replace(/[.。]$/, "") ?? code) : of("refusals")(code),
    explanation: of("explanations"),
    rule: of("rules"),
    role: (code: string) => code === "none" ? t("figures.none") : common(`role.${code}`, { defaultValue: code }),
    purpose: (code: string) => common(`purpose.${code}`, { defaultValue: code }),
    group: (code: string) => common(`group.${code}`, { defaultValue: code }),
  };
}

/** A handle or a hash: long, the same letter for letter, to be copied. */
export function Handle({ text, short = false }: { text: string; short?: boolean }) {
  return (
    <Typography.Text code copyable={short ? false : { text }} title={text} style={{ wordBreak: "break-all", whiteSpace: short ? "nowrap" : undefined }}>
      {short && text.length > 14 ? `${text.slice(0, 8)}…` : text}
    </Typography.Text>
  );
}

export function VerdictTag({ verdict }: { verdict: string }) {
  const codes = useCodes();
  const colours: Record<string, string> = { CONTESTED: "gold", OPENED: "blue", JUSTIFIED: "green", MISUSE: "red", UNCLEAR: "default" };
  return <Tag color={colours[verdict]}>{codes.verdict(verdict)}</Tag>;
}

/** A part of the hub that this one does not have. */
export function NotOffered() {
  const { t } = useTranslation("audit");
  return <Alert type="info" showIcon title={t("notOffered")} />;
}
