/** What contests are made of: values of a file by the names that the hub has for them. */
import { useTranslation } from "react-i18next";
import { addTexts } from "../../text";
import type { Schemas } from "../person/questions";
import { usePersonWords } from "../person/words";
import { en, zh } from "./text";

addTexts("contest", en, zh);

export type Contest = Schemas["ContestView"];

/** The hub's name of a value, and the word for it. */
const FIELDS: Record<string, string> = {
  name: "name",
  birth_date: "birthDate",
  sex: "sex",
  nationality: "nationality",
  identifiers: "identifiers",
  phones: "phones",
  address: "address",
  division_code: "division",
  community_unit: "unit",
};

export function useContestWords() {
  const { t } = useTranslation("contest");
  const { t: words, source, format } = usePersonWords();
  const field = (code: string) => words(`field.${FIELDS[code]}`, { defaultValue: code });
  /** What it is about, in a few words. */
  const about = (one: Contest) => {
    const of = one.source ? source(one.source) : t("notTold");
    return one.field ? `${field(one.field)} · ${of}` : t("record", { source: of });
  };
  return { t, field, about, source, format };
}
