/** The golden record: each value with where it comes from, why it was chosen, and what was not. */
import { Card, Tag, Tooltip, Typography } from "antd";
import { createContext, useContext, type ReactNode } from "react";
import "./person.css";
import type { PersonFile, Schemas } from "./questions";
import { usePersonWords } from "./words";

type Provenance<T> = {
  source: string;
  record_id: string;
  time: string;
  rule: string;
  sources: number;
  runner_up?: { value: T; source: string; record_id: string; time: string } | null;
  others?: { value: T; source: string; record_id: string; time: string }[];
};
type Field<T> = { value: T; provenance?: Provenance<T> | null };

/** A value as it is shown, and the record that states it. */
export interface ShownValue {
  /** The hub's name of the value. */
  field: string;
  record: string;
  shown: ReactNode;
  label: string;
}

/** What stands beside a value, where something can be done about it. */
const Beside = createContext<((value: ShownValue) => ReactNode) | undefined>(undefined);

/** The sections of a file that the role and the purpose open. */
export function Golden({ file, beside }: { file: PersonFile; beside?: (value: ShownValue) => ReactNode }) {
  return (
    <Beside value={beside}>
      <Groups file={file} />
    </Beside>
  );
}

function Groups({ file }: { file: PersonFile }) {
  const { t, format, sex } = usePersonWords();
  const { identity, contact, residence, household } = file;
  return (
    <>
      {identity && (
        <Section title={t("sections.identity")}>
          {identity.name && <Row name="name" label={t("field.name")} lead fields={[identity.name]} show={String} />}
          {identity.other_names && identity.other_names.length > 0 && <Row name="name" label={t("field.otherNames")} fields={identity.other_names} show={String} />}
          {identity.birth_date && <Row name="birth_date" label={t("field.birthDate")} fields={[identity.birth_date]} show={(day) => format.day(day)} />}
          {identity.sex && <Row name="sex" label={t("field.sex")} fields={[identity.sex]} show={sex} />}
          {identity.nationality && <Row name="nationality" label={t("field.nationality")} fields={[identity.nationality]} show={String} />}
          {identity.identifiers && identity.identifiers.length > 0 && (
            <Row name="identifiers" label={t("field.identifiers")} fields={identity.identifiers} show={(number) => <Identifier of={number} />} />
          )}
        </Section>
      )}
      {contact && (
        <Section title={t("sections.contact")}>
          {contact.phones.length > 0 ? <Row name="phones" label={t("field.phones")} fields={contact.phones} show={(phone) => <Phone of={phone} />} /> : <Nothing label={t("field.phones")} />}
        </Section>
      )}
      {residence && (
        <Section title={t("sections.residence")}>
          {residence.address ? <Row name="address" label={t("field.address")} fields={[residence.address]} show={String} /> : <Nothing label={t("field.address")} />}
          {residence.community_unit && <Row name="community_unit" label={t("field.unit")} fields={[residence.community_unit]} show={String} />}
          {residence.division_code && <Row name="division_code" label={t("field.division")} fields={[residence.division_code]} show={String} />}
        </Section>
      )}
      {household && (
        <Section title={t("sections.household")}>
          {household.length === 0 && <Nothing label={t("field.household")} />}
          {household.map((home, at) => (
            <div key={at}>
              <dt>{t(`householdKind.${home.household_kind}`, { defaultValue: home.household_kind })}</dt>
              <dd>
                <div>
                  <span className="stated number-like">{home.household_id}</span>
                  <div className="why">
                    {home.relation_to_head && <Tag variant="filled">{home.relation_to_head}</Tag>}
                    <span>{home.dwelling?.name}</span>
                    <span>{t(`residenceKind.${home.residence_kind}`, { defaultValue: "" })}</span>
                    {home.valid_from && <span>{t("from", { day: format.day(home.valid_from) })}</span>}
                    {home.valid_to && <span>{t("until", { day: format.day(home.valid_to) })}</span>}
                  </div>
                </div>
              </dd>
            </div>
          ))}
        </Section>
      )}
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card size="small" title={<h2 className="section-title">{title}</h2>} style={{ marginBottom: 16 }}>
      <dl className="golden">{children}</dl>
    </Card>
  );
}

function Nothing({ label }: { label: string }) {
  const { t } = usePersonWords();
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <Typography.Text type="secondary">{t("notStated")}</Typography.Text>
      </dd>
    </div>
  );
}

function Row<T>({ name, label, fields, show, lead }: { name: string; label: string; fields: Field<T>[]; show: (value: T) => ReactNode; lead?: boolean }) {
  const beside = useContext(Beside);
  return (
    <div>
      <dt>{label}</dt>
      <dd className={lead ? "lead" : undefined}>
        {fields.map((field, at) => (
          <div key={at} data-value>
            <span className="stated">{show(field.value)}</span> {field.provenance && beside?.({ field: name, record: field.provenance.record_id, shown: show(field.value), label: fields.length > 1 ? `${label} ${at + 1}` : label })}
            {field.provenance && <Why of={field.provenance} show={show} />}
          </div>
        ))}
      </dd>
    </div>
  );
}

/** Which source, when, by which rule; and the values that the rule did not choose. */
function Why<T>({ of, show }: { of: Provenance<T>; show: (value: T) => ReactNode }) {
  const { t, format, source, rule } = usePersonWords();
  // The runner-up is the first of the others where both are told.
  const losers = of.others?.length ? of.others : of.runner_up ? [of.runner_up] : [];
  return (
    <>
      <div className="why" data-provenance>
        <Tag variant="filled">{source(of.source)}</Tag>
        <span>{format.day(of.time)}</span>
        <Tooltip title={t(`ruleHelp.${of.rule}`, { defaultValue: "" })}>
          <span tabIndex={0}>{rule(of.rule)}</span>
        </Tooltip>
        <span>{t("sources", { count: of.sources })}</span>
      </div>
      {losers.length > 0 && (
        <div className="not-chosen" data-runner-up>
          {losers.map((loser, at) => (
            <div key={at}>
              <span className="mark differs">{t("notChosen")}</span> <span>{show(loser.value)}</span>
              <div className="why">
                <span>{source(loser.source)}</span>
                <span>{format.day(loser.time)}</span>
              </div>
            </div>
          ))}
        </div>
      )}
    </>
  );
}

export function Identifier({ of }: { of: Schemas["IdentifierView"] }) {
  const { scheme, source } = usePersonWords();
  return (
    <span>
      <span className="number-like">{of.value}</span>{" "}
      <Typography.Text type="secondary" style={{ fontWeight: 400, fontSize: 12 }}>
        {scheme(of.scheme)}
        {of.issuer && source(of.issuer) !== scheme(of.scheme) && ` · ${source(of.issuer)}`}
      </Typography.Text>
    </span>
  );
}

export function Phone({ of }: { of: Schemas["PhoneView"] }) {
  const { t, format } = usePersonWords();
  return (
    <span>
      <span className="number-like">{phoneText(of.number)}</span>{" "}
      <Typography.Text type="secondary" style={{ fontWeight: 400, fontSize: 12 }}>
        {t(of.own ? "own" : "contactOnly")}
        {of.valid_from && ` · ${t("from", { day: format.day(of.valid_from) })}`}
        {of.valid_to && ` · ${t("until", { day: format.day(of.valid_to) })}`}
      </Typography.Text>
    </span>
  );
}

/** A mobile number in groups; any other as it is. */
export function phoneText(number: string): string {
  const mobile = /^86(1\d{2})(\d{4})(\d{4})$/.exec(number);
  return mobile ? `+86 ${mobile[1]} ${mobile[2]} ${mobile[3]}` : `+${number}`;
}
