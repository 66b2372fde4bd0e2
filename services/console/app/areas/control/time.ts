/** Instants and stretches of a case, by the clock of the city. */
import { useTranslation } from "react-i18next";
import { beginOf, DAY, HOUR, iso, MINUTE, startOfDay } from "../../parts/city";
import { useFormat } from "../../parts/format";
import { useSignedIn } from "../../session/session";
import type { KnownCase } from "./model";
import { useFirstCases, type Stretch } from "./questions";

export { DAY, HOUR, iso, MINUTE, startOfDay };

/**
 * What "now" is. In a demo the city's clock stands where its invented data end, a day after the last case was confirmed:
 * with the clock on the wall everything there would be over. While it is pending or failed, `now` is not to be used.
 */
export function useClock(): { now: number; isDemo: boolean; isPending: boolean; error?: Error; retry: () => void } {
  const isDemo = Boolean(useSignedIn().demo);
  const first = useFirstCases();
  const confirmed = (first.data?.cases ?? []).flatMap(({ confirmed_time }) => (confirmed_time ? [Date.parse(confirmed_time)] : []));
  const wall = Math.floor(Date.now() / MINUTE) * MINUTE;
  const now = isDemo && confirmed.length > 0 ? Math.min(wall, Math.max(...confirmed) + DAY) : wall;
  const error = isDemo ? (first.error ?? undefined) : undefined;
  return { now, isDemo, isPending: isDemo && !first.isSuccess, error, retry: () => void first.refetch() };
}

/** The begin of the first day that is known of any case, where all of them fit into one answer. */
export function useFirstDay(): number | undefined {
  const list = useFirstCases().data;
  const days = (list?.cases ?? []).flatMap(({ onset, confirmed_time }) => [onset && beginOf(onset), confirmed_time && startOfDay(confirmed_time)].filter(Boolean) as number[]);
  return list && !list.next && days.length > 0 ? Math.min(...days) : undefined;
}

/** So many days before the first symptoms others could catch it, unless disease control states since when. */
const DAYS_BEFORE = 2;

/** When others could catch it. */
export function infectious(known: KnownCase, now: number): Stretch | undefined {
  const { infectious_from, onset, confirmed_time, isolated_time, closed_time } = known;
  const from = infectious_from
    ? beginOf(infectious_from)
    : onset
      ? beginOf(onset) - DAYS_BEFORE * DAY
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

export const minutesOf = ({ from, to }: Stretch) => (Date.parse(to) - Date.parse(from)) / MINUTE;
