import { useTranslation } from "react-i18next";

/** What a unit is, by the length of its code (GB/T 2260, GB/T 10114): the hub has codes of units, and no names. */
const LEVELS = [[6, "district"], [9, "township"], [12, "neighbourhood"]] as const;

/** A unit as it is spoken of: what it is, and its code. */
export function useUnitName(): (unit: string) => string {
  const { t } = useTranslation();
  return (unit) => t("unitLevel.named", { level: t(`unitLevel.${LEVELS.find(([length]) => unit.length <= length)?.[1] ?? "grid"}`), unit });
}
