/** Instants and stretches of a case, in the time zone of the visitor. */
import { useTranslation } from "react-i18next";
import { useFormat } from "../../parts/format";
import { useSignedIn } from "../../session/session";
import type { KnownCase } from "./model";
import { useFirstCases, type Stretch } from "./questions";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const pad = (value: number) => String(value).padStart(2, "0");

export const iso = (millis: number) => new Date(millis).toISOString().replace(".000Z", "Z");

/** What `<input type="date">` holds of an instant. */
export function localDay(instant: string | number): string {
  const date = new Date(instant);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** What `<input type="datetime-local">` holds of an instant. */
export function localMinute(instant: string | number): string {
  const date = new Date(instant);
  return `${localDay(instant)}T${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** The instant of a local day or minute; nothing while it is half written. */
export function instantOf(local: string): string | undefined {
  const at = new Date(local.length === 10 ? `${local}T00:00` : local);
  return Number.isNaN(at.getTime()) ? undefined : iso(at.getTime());
}

/** The begin of the local day of an instant. */
export function startOfDay(instant: string | number): number {
  const date = new Date(instant);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/**
 * What "now" is. In a demo the city's clock stands where its invented data end, a day after the last case was confirmed:
 * with the clock on the wall everything there would be over.
 */
export function useClock(): { now: number; isDemo: boolean; isPending: boolean } {
  const isDemo = Boolean(useSignedIn().demo);
  const first = useFirstCases();
  const confirmed = (first.data?.cases ?? []).flatMap(({ confirmed_time }) => (confirmed_time ? [Date.parse(confirmed_time)] : []));
  const wall = Math.floor(Date.now() / MINUTE) * MINUTE;
  const now = isDemo && confirmed.length > 0 ? Math.min(wall, Math.max(...confirmed) + DAY) : wall;
  return { now, isDemo, isPending: first.isPending };
}

/** So many days before the first symptoms others could catch it, unless disease control states since when. */
const DAYS_BEFORE = 2;

/** When others could catch it. */
export function infectious(known: KnownCase, now: number): Stretch | undefined {
  const { infectious_from, onset, confirmed_time, isolated_time, closed_time } = known;
  const from = infectious_from
    ? startOfDay(`${infectious_from}T00:00`)
    : onset
      ? startOfDay(`${onset}T00:00`) - DAYS_BEFORE * DAY
      : confirmed_time && Date.parse(confirmed_time) - DAYS_BEFORE * DAY;
  if (!from) return undefined;
  const end = isolated_time ?? closed_time;
  const to = end ? Date.parse(end) : now;
  return to > from ? { from: iso(Math.max(from, to - 14 * DAY)), to: iso(to) } : undefined;
}

/** The fourteen days that an itinerary tells: up to some days after the confirmation, so that its ends are in it. */
export function fortnight(known: KnownCase | undefined, now: number): Stretch {
  const anchor = known?.closed_time ?? known?.confirmed_time;
  const to = anchor ? Math.min(now, startOfDay(Date.parse(anchor) + 3 * DAY)) : now;
  return { from: iso(to - 14 * DAY), to: iso(to) };
}

/** A length of time in words of the language, its two largest units. */
export function useDuration(): (minutes: number) => string {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  return (minutes) => {
    const all = Math.round(minutes);
    const [days, hours, rest] = [Math.floor(all / 1440), Math.floor((all % 1440) / 60), all % 60];
    if (all < 1) return t("span.under");
    const parts: string[] = [];
    if (days > 0) parts.push(t("span.days", { n: number(days) }));
    if (hours > 0) parts.push(t("span.hours", { n: hours }));
    if (days === 0 && rest > 0) parts.push(t("span.minutes", { n: rest }));
    return parts.join(t("span.between"));
  };
}

/** A day and a time without the year, where the page says which. */
export function useMoment(): (at: string | number) => string {
  const { locale } = useFormat();
  const format = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  return (at) => format.format(new Date(at));
}

export const minutesOf = ({ from, to }: Stretch) => (Date.parse(to) - Date.parse(from)) / MINUTE;
