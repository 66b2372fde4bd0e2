import { PrinterOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { dayOf } from "../../../parts/city";
import { useFormat } from "../../../parts/format";
import { useWithheld } from "../../../parts/Page";
import { Failed, Loading } from "../../../parts/states";
import { useSignedIn } from "../../../session/session";
import { useTask } from "../../../session/task";
import { scenesOf, useTogether } from "../contacts/ContactsTab";
import { arrange, doubtOf, isInGap } from "../itinerary/lines";
import { useItemWords } from "../itinerary/words";
import type { CaseAnswer } from "../model";
import { useNames } from "../names";
import { useCase, useContacts, useItinerary, usePerson } from "../questions";
import { fortnight, infectious, useClock, useDuration, minutesOf } from "../time";
import { phoneText, short } from "../words";
import { Facts } from "./CasePage";

/** Contacts on paper: more would be a book. */
const CONTACTS_MAX = 50;

/** A case on paper: one column, the numbers of its receipts, and on each sheet who printed it and when. */
export function PrintPage() {
  const { t } = useTranslation("control");
  const { id = "" } = useParams();
  const query = useCase(id);
  const clock = useClock();
  useEffect(() => {
    document.title = t("print.title");
  }, [t]);
  if (clock.error) return <Failed error={clock.error} retry={clock.retry} />;
  if (query.isPending || clock.isPending) return <Loading />;
  if (query.isError) return <Failed error={query.error} retry={() => void query.refetch()} />;
  if (!query.data.person_id) return <Sheet known={query.data} receipts={[query.data.receipt.id]} />;
  return <Whole known={query.data} person={query.data.person_id} now={clock.now} />;
}

function Whole({ known, person, now }: { known: CaseAnswer; person: string; now: number }) {
  const who = usePerson(person);
  const way = useItinerary(person, fortnight(known, now));
  const met = useContacts(person, infectious(known, now) ?? fortnight(known, now));
  const failed = [who, way, met].find(({ isError }) => isError);
  if (failed) return <Failed error={failed.error} retry={() => void failed.refetch()} />;
  const page = met.data?.pages[0];
  if (!who.data || !way.data || !page) return <Loading />;
  return <Sheet known={known} who={who.data} way={way.data} met={page} receipts={[known, who.data, way.data, page].map(({ receipt }) => receipt.id)} />;
}

interface SheetProps {
  known: CaseAnswer;
  who?: NonNullable<ReturnType<typeof usePerson>["data"]>;
  way?: NonNullable<ReturnType<typeof useItinerary>["data"]>;
  met?: NonNullable<ReturnType<typeof useContacts>["data"]>["pages"][number];
  receipts: string[];
}

function Sheet({ known, who, way, met, receipts }: SheetProps) {
  const { t } = useTranslation("control");
  const { second } = useFormat();
  const session = useSignedIn();
  const task = useTask();
  const clock = useClock();
  const say = useWithheld("read-person");
  const [printed] = useState(() => Date.now());
  const by = [session.handle, session.organisation].filter(Boolean).join(" · ");
  const withheld = [...new Set([known, who, way, met].flatMap((part) => part?.withheld ?? []))];
  const mark = `${by} · ${second(printed)}`;
  return (
    <article className="control-print">
      <Watermark text={mark} />
      <div className="control-bar no-print">
        <Button type="primary" icon={<PrinterOutlined />} onClick={() => window.print()}>
          {t("print", { ns: "common" })}
        </Button>
        <Link to={`/control/cases/${known.case}`}>{t("print.back")}</Link>
      </div>
      <h1>
        {t("case.title", { id: known.case_id })} · {t(`caseState.${known.state}`, { defaultValue: known.state })}
      </h1>
      <p className="control-note">
        {t("print.by", { by, at: second(printed) })} {task?.caseReference && t("print.task", { case: task.caseReference })}
      </p>
      <Facts known={known} now={clock.now} />
      {who && <Who who={who} />}
      {way && <Way way={way} />}
      {met && <Met met={met} />}
      <footer>
        <strong>{t("print.receipts")}</strong> <span className="control-id">{receipts.join(" · ")}</span>
        {withheld.length > 0 && <p>{t("print.withheld", { why: say(withheld) })}</p>}
        <p>{t("print.keep")}</p>
      </footer>
    </article>
  );
}

const escaped = (text: string) => text.replace(/[<>&]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** As pictures, not as a background: browsers leave backgrounds out when they print. */
function Watermark({ text }: { text: string }) {
  const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="420" height="220"><text x="210" y="110" text-anchor="middle" transform="rotate(-24 210 110)" font-family="sans-serif" font-size="17" fill="#888">${escaped(text)}</text></svg>`;
  return (
    <div className="control-watermark" aria-hidden data-mark={text}>
      {Array.from({ length: 12 }, (_, index) => (
        <img key={index} alt="" src={`data:image/svg+xml,${encodeURIComponent(picture)}`} />
      ))}
    </div>
  );
}

function Who({ who }: { who: NonNullable<SheetProps["who"]> }) {
  const { t } = useTranslation("control");
  const { day } = useFormat();
  const { identity, contact, residence } = who;
  const rows = [
    [t("print.name"), identity?.name?.value],
    [t("print.sex"), identity?.sex && t(`sex.${identity.sex.value}`, { defaultValue: identity.sex.value })],
    [t("print.birth"), identity?.birth_date && day(identity.birth_date.value)],
    [t("print.phone"), contact?.phones.map(({ value }) => phoneText(value.number)).join(", ")],
    [t("print.address"), residence?.address?.value],
    [t("print.unit"), residence?.community_unit?.value],
  ];
  return (
    <section>
      <h2>{t("print.person")}</h2>
      <dl className="control-facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value || "–"}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Way({ way }: { way: NonNullable<SheetProps["way"]> }) {
  const { t } = useTranslation("control");
  const { instant, time } = useFormat();
  const { what } = useItemWords();
  const duration = useDuration();
  const lines = useMemo(() => arrange(way), [way]);
  return (
    <section>
      <h2>
        {t("tab.itinerary")} · {t("span.fromTo", { from: instant(way.from), to: instant(way.to) })}
      </h2>
      <div className="control-scroll" tabIndex={0} role="region" aria-label={t("tab.itinerary")}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t("itinerary.when")}</th>
              <th scope="col">{t("itinerary.what")}</th>
              <th scope="col">{t("itinerary.long")}</th>
              <th scope="col">{t("print.doubt")}</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => {
              const doubt = doubtOf(line);
              return (
                <tr key={line.index} className={isInGap(line, lines) ? "control-inside" : undefined}>
                  <td>
                    {instant(line.from)}
                    {line.to > line.from && ` – ${dayOf(line.from) === dayOf(line.to) ? time(line.to) : instant(line.to)}`}
                  </td>
                  <td>
                    {t(`kind.${line.item.kind}`, { defaultValue: line.item.kind })}: {what(line.item)}
                  </td>
                  <td>{line.to > line.from && duration(minutesOf(line.item))}</td>
                  <td>{doubt && t(`doubt.${doubt}`)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Met({ met }: { met: NonNullable<SheetProps["met"]> }) {
  const { t } = useTranslation("control");
  const { number, instant } = useFormat();
  const together = useTogether();
  const names = useNames();
  return (
    <section>
      <h2>
        {t("tab.contacts")} · {t("span.fromTo", { from: instant(met.from), to: instant(met.to) })}
      </h2>
      {met.total > met.contacts.length && <p>{t("print.first", { n: number(Math.min(CONTACTS_MAX, met.contacts.length)), of: number(met.total) })}</p>}
      {met.contacts.length === 0 && <p>{t("contacts.none")}</p>}
      {met.contacts.length > 0 && (
        <div className="control-scroll" tabIndex={0} role="region" aria-label={t("tab.contacts")}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("contacts.rank")}</th>
                <th scope="col">{t("case.person")}</th>
                <th scope="col">{t("contacts.scenes")}</th>
                <th scope="col">{t("contacts.together")}</th>
                <th scope="col">{t("contacts.exposure")}</th>
                <th scope="col">{t("contacts.last")}</th>
              </tr>
            </thead>
            <tbody>
              {met.contacts.slice(0, CONTACTS_MAX).map((contact) => (
                <tr key={contact.person_id}>
                  <td>{number(contact.rank)}</td>
                  <td>{names[contact.person_id] || <span className="control-id">{short(contact.person_id)}</span>}</td>
                  <td>
                    {scenesOf(contact)
                      .map((scene) => t(`scene.${scene}`, { defaultValue: scene }))
                      .join(", ")}
                  </td>
                  <td>{together(contact)}</td>
                  <td className="numbers">{number(contact.weighed_minutes)}</td>
                  <td>{instant(contact.meetings.map(({ to }) => to).sort().at(-1))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
