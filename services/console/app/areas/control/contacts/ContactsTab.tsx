import { Alert, Button, Segmented, Tooltip } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";
import { ReceiptTag, Withheld } from "../../../parts/Page";
import { Asked, Empty, Failed, Loading } from "../../../parts/states";
import type { Contact, KnownCase, SubContact } from "../model";
import { AskNames } from "../names";
import { useContacts, useSubContacts, type Stretch } from "../questions";
import { fortnight, infectious, useDuration } from "../time";
import { Figure, Figures, short } from "../words";
import { ContactGraph } from "./ContactGraph";
import { ContactTable } from "./ContactTable";
import { Evidence, type Shown } from "./Evidence";
import { SubContactTable } from "./SubContactTable";

type Span = "infectious" | "fortnight";
type Form = "contacts" | "sub-contacts" | "graph";

/** Whom the case met, and whom those met afterwards: as tables and as a picture, each with its evidence. */
export function ContactsTab({ person, known, now, knownAt }: { person: string; known: KnownCase; now: number; knownAt?: string }) {
  const { t } = useTranslation("control");
  const { instant, number } = useFormat();
  const spans = useMemo(() => ({ infectious: infectious(known, now), fortnight: fortnight(known, now) }), [known, now]);
  const [span, setSpan] = useState<Span>("infectious");
  const [form, setForm] = useState<Form>("contacts");
  const [shown, setShown] = useState<Shown>();
  const stretch: Stretch = spans[span] ?? spans.fortnight;
  const query = useContacts(person, stretch, knownAt);
  const subs = useSubContacts(person, stretch, form !== "contacts", knownAt);
  const first = query.data?.pages[0];
  const contacts = query.data?.pages.flatMap(({ contacts }) => contacts) ?? [];
  const links = subs.data?.sub_contacts?.links ?? [];
  const onPage = form === "contacts" ? contacts.map(({ person_id }) => person_id) : form === "graph" ? (subs.data?.contacts.map(({ person_id }) => person_id) ?? []) : links.flatMap(({ person_id, through }) => [person_id, through]);
  const showContact = (contact: Contact) => setShown({ title: t("contacts.evidenceOf", { id: short(contact.person_id) }), person: contact.person_id, meetings: contact.meetings, count: contact.meeting_count });
  const showSub = ({ person_id, through, meeting }: SubContact) =>
    setShown({ title: t("contacts.evidenceOf", { id: short(person_id) }), person: person_id, through, meetings: [meeting], count: 1 });
  return (
    <>
      <div className="control-bar">
        <Segmented<Span>
          aria-label={t("contacts.span")}
          value={spans.infectious ? span : "fortnight"}
          onChange={setSpan}
          options={[
            { value: "infectious", label: t("contacts.infectious"), disabled: !spans.infectious },
            { value: "fortnight", label: t("contacts.fortnight") },
          ]}
        />
        <Segmented<Form> aria-label={t("contacts.form")} value={form} onChange={setForm} options={(["contacts", "sub-contacts", "graph"] as const).map((value) => ({ value, label: t(`contacts.${value}`) }))} />
        <AskNames ids={onPage} />
        <ReceiptTag receipt={(form === "contacts" ? first : subs.data)?.receipt} />
      </div>
      <Figures>
        <Figure label={t("contacts.total")} value={number(first?.total)} hint={t("span.fromTo", { from: instant(stretch.from), to: instant(stretch.to) })} />
        {form !== "contacts" && <Figure label={t("contacts.subTotal")} value={number(subs.data?.sub_contacts?.total)} />}
      </Figures>
      {query.isPending ? (
        <Loading />
      ) : query.isError ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : (
        <>
          <Withheld of="read-contacts" groups={first?.withheld} />
          {first && <Limits answer={first} />}
          {form === "contacts" &&
            (contacts.length === 0 ? (
              <Empty>{t("contacts.none")}</Empty>
            ) : (
              <>
                <ContactTable contacts={contacts} show={showContact} more={query.hasNextPage && !query.isFetchingNextPage ? () => void query.fetchNextPage() : undefined} />
                <div className="control-bar" style={{ marginTop: 8 }}>
                  <span role="status">{t("contacts.loaded", { n: number(contacts.length), of: number(first?.total) })}</span>
                  {query.hasNextPage && (
                    <Button size="small" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                      {t("more", { ns: "common" })}
                    </Button>
                  )}
                </div>
              </>
            ))}
          {form !== "contacts" && (
            <Asked query={subs} empty={({ contacts }) => contacts.length === 0}>
              {(answer) =>
                form === "graph" ? (
                  <ContactGraph answer={answer} name={known.case_id} showContact={showContact} showSub={showSub} />
                ) : (
                  <SubContactTable links={answer.sub_contacts?.links ?? []} total={answer.sub_contacts?.total ?? 0} show={showSub} />
                )
              }
            </Asked>
          )}
        </>
      )}
      <Evidence shown={shown} close={() => setShown(undefined)} person={person} stretch={stretch} />
    </>
  );
}

interface Known {
  known_at: string;
  known_since: string;
  from: string;
  to: string;
  seen_minutes: number;
  unattributed: number;
  unplaced: number;
  uncompared_rides: number;
  unsure: number;
  left_out: { stays: number }[];
}

/** Below this share of the time the list is far from whole, and says so first. */
const SEEN_ENOUGH = 0.5;

/** What the list cannot say: where the case was is hardly known, crowds, what of everybody could not be placed, and that nothing is known before some instant. */
function Limits({ answer }: { answer: Known }) {
  const { t } = useTranslation("control");
  const { instant, number, percent } = useFormat();
  const seen = answer.seen_minutes / ((Date.parse(answer.to) - Date.parse(answer.from)) / 60_000);
  const others = (["unattributed", "unplaced", "unsure", "uncompared_rides"] as const).filter((one) => answer[one] > 0);
  return (
    <>
      {seen < SEEN_ENOUGH && <Alert type="warning" showIcon title={t("contacts.seen", { share: percent(seen) })} description={t("contacts.seenHelp")} style={{ marginBottom: 12 }} />}
      {answer.known_since > answer.from && <Alert type="warning" showIcon title={t("contacts.knownSince", { at: instant(answer.known_since) })} style={{ marginBottom: 12 }} />}
      {answer.left_out.length > 0 && <Alert type="warning" showIcon title={t("contacts.crowds", { count: answer.left_out.length, n: number(answer.left_out.length) })} style={{ marginBottom: 12 }} />}
      <p className="control-note">
        {t("contacts.knownAt", { at: instant(answer.known_at) })} {seen >= SEEN_ENOUGH && t("contacts.seen", { share: percent(seen) })}{" "}
        {others.map((one) => (
          <Tooltip key={one} title={t(`contacts.${one}Help`)}>
            <span tabIndex={0}>{t(`contacts.${one}`, { n: number(answer[one]) })} </span>
          </Tooltip>
        ))}
      </p>
    </>
  );
}

/** The scenes of a contact's meetings, most minutes first. */
export function scenesOf({ meetings }: Contact) {
  const minutes = new Map<Contact["meetings"][number]["scene"], number>();
  for (const { scene, minutes: long } of meetings) minutes.set(scene, (minutes.get(scene) ?? 0) + long);
  return [...minutes].sort((one, other) => other[1] - one[1]).map(([scene]) => scene);
}

/** How long two were near each other, the same hour in several squares once. */
export function useTogether() {
  const duration = useDuration();
  return (contact: Contact) => duration(together(contact));
}

export function together({ meetings, meeting_count, minutes }: Pick<Contact, "meetings" | "meeting_count" | "minutes">): number {
  // Not all meetings are told: then only the sum is known.
  if (meeting_count > meetings.length) return minutes;
  const spans = meetings.map(({ from, to }) => [Date.parse(from), Date.parse(to)] as const).sort((one, other) => one[0] - other[0]);
  let [sum, until] = [0, 0];
  for (const [from, to] of spans) {
    sum += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return sum / 60_000;
}
