/** Names of codes that rules and sources use. */
import { useTranslation } from "react-i18next";

/** What people call a key group. A community may have groups of its own; those go by their codes. */
export function useGroupName(): (code: string) => string {
  const { t } = useTranslation("community");
  return (code) => t(`group.${code}`, { defaultValue: code });
}

export function useSexName(): (sex: string | null | undefined) => string {
  const { t } = useTranslation("community");
  return (sex) => t(`sex.${(sex ?? "UNKNOWN").toUpperCase()}`, { defaultValue: sex ?? "–" });
}
