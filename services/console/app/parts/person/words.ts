/** What codes of person files are called. A code that is not known stands for itself. */
import { useTranslation } from "react-i18next";
import { addTexts } from "../../text";
import { useFormat } from "../format";
import { en, zh } from "./text";

addTexts("person", en, zh);

export function usePersonWords() {
  const { t } = useTranslation("person");
  const format = useFormat();
  const of = (list: string) => (code: string) => t(`${list}.${code}`, { defaultValue: code });
  return {
    t,
    format,
    source: of("source"),
    scheme: of("scheme"),
    sex: of("sex"),
    rule: of("rule"),
    part: (field: string) => t(`part.${field}`, { defaultValue: field.replaceAll("_", " ") }),
    level: (level: string) => t(`level.${level}`, { defaultValue: level.replaceAll("_", " ") }),
    /** Bits with their sign: a minus that is one, a plus where it counts for. */
    bits: (bits: number) => `${bits > 0.05 ? "+" : bits < -0.05 ? "−" : ""}${format.number(Math.abs(bits), 1)}`,
  };
}

/** The beginning of an id, to tell ids apart by eye. */
export function short(id: string): string {
  return id.slice(0, 8);
}
