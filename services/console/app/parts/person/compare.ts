/** What records state, field by field, and whether they agree. Only for the eye: the model compares more finely, and says so itself. */
import type { PersonFile, Schemas } from "./questions";

export type Agreement = "same" | "fits" | "differs";

/** What a record states, whichever route told it. */
export type Statement = Pick<Schemas["RecordView"], "record_id" | "identity" | "contact" | "residence" | "first_time" | "last_time">;

export interface Stated {
  /** The value in the form that is compared. */
  key: string;
  identifier?: Schemas["IdentifierView"];
  phone?: Schemas["PhoneView"];
  text?: string;
}

export interface FieldOf {
  /** Name of the field in the words of a person file. */
  name: "names" | "birthDate" | "sex" | "nationality" | "identifiers" | "phones" | "address" | "unit" | "account";
  /** Fields of the linkage model that compare it. */
  parts: string[];
  of: (record: Statement) => Stated[];
}

const texts = (...values: (string | null | undefined)[]): Stated[] => values.flatMap((text) => (text ? [{ key: text, text }] : []));

export const FIELDS: FieldOf[] = [
  { name: "names", parts: ["name", "full_name", "surname", "given_name"], of: (record) => texts(...(record.identity?.names ?? [])) },
  {
    name: "identifiers",
    parts: ["national_id", "document", "record_number", "account"],
    of: (record) => (record.identity?.identifiers ?? []).map((identifier) => ({ key: `${identifier.scheme}:${identifier.value}`, identifier })),
  },
  { name: "birthDate", parts: ["birth_date"], of: (record) => texts(record.identity?.birth_date) },
  { name: "sex", parts: ["sex"], of: (record) => (record.identity?.sex && record.identity.sex !== "UNKNOWN" ? texts(record.identity.sex) : []) },
  { name: "nationality", parts: [], of: (record) => texts(record.identity?.nationality) },
  { name: "phones", parts: ["phone"], of: (record) => (record.contact?.phones ?? []).map((phone) => ({ key: phone.number, phone })) },
  { name: "address", parts: ["address"], of: (record) => texts(record.residence?.address) },
  { name: "unit", parts: [], of: (record) => texts(record.residence?.community_unit) },
  { name: "account", parts: [], of: (record) => texts(record.identity?.account_status) },
];

/** Whether one value is the other, or would be if the characters that a source hides were known. */
export function agreement(one: string, other: string): Agreement {
  if (one === other) return "same";
  if (one.length !== other.length || !(one.includes("*") || other.includes("*"))) return "differs";
  const fits = [...one].every((character, at) => character === "*" || other[at] === "*" || character === other[at]);
  return fits ? "fits" : "differs";
}

/** The best agreement of a value with any of several; `undefined` when there is none to compare it with. */
export function among(value: Stated, others: Stated[]): Agreement | undefined {
  const comparable = value.identifier ? others.filter((other) => other.identifier?.scheme === value.identifier?.scheme) : others;
  if (comparable.length === 0) return undefined;
  const found = comparable.map((other) => agreement(value.key, other.key));
  return found.includes("same") ? "same" : found.includes("fits") ? "fits" : "differs";
}

/** A person file in the form of a statement, to compare records with it. */
export function asStatement(file: PersonFile): Statement {
  const { identity, contact, residence } = file;
  return {
    record_id: file.person_id,
    identity: identity && {
      // The first is the name in use; others are known names too, but a record that states one of them differs from it.
      names: identity.name ? [identity.name.value] : [],
      birth_date: identity.birth_date?.value,
      sex: identity.sex?.value ?? "UNKNOWN",
      nationality: identity.nationality?.value,
      identifiers: identity.identifiers?.map((field) => field.value) ?? [],
    },
    contact: contact && { phones: contact.phones.map((field) => field.value) },
    residence: residence && { address: residence.address?.value, community_unit: residence.community_unit?.value, division_code: residence.division_code?.value },
  };
}
