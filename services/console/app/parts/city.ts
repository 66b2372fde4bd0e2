/** The clock of the city. Whoever looks from elsewhere reads the same days and hours as those who wrote them down. */

/** All of China goes by one clock, eight hours ahead (in this name the sign is the other way round). */
export const ZONE = "Etc/GMT-8";
export const AHEAD_MIN = 480;
const AHEAD = AHEAD_MIN * 60_000;

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const shifted = (instant: string | number) => new Date(new Date(instant).getTime() + AHEAD).toISOString();

/** The day of an instant, as `2022-03-01`. */
export const dayOf = (instant: string | number) => shifted(instant).slice(0, 10);

/** The minute of an instant, as `2022-03-01T08:30`. */
export const minuteOf = (instant: string | number) => shifted(instant).slice(0, 16);

/** An instant as the API takes it. */
export const iso = (millis: number) => new Date(millis).toISOString().replace(".000Z", "Z");

/** The begin of a day. */
export const beginOf = (day: string) => Date.parse(`${day}T00:00:00+08:00`);

/** The begin of the day of an instant. */
export const startOfDay = (instant: string | number) => beginOf(dayOf(instant));

/** The instant of a day's begin or of a minute; nothing while it is half written. */
export function instantOf(local: string): string | undefined {
  const at = Date.parse(`${local.length === 10 ? `${local}T00:00` : local}+08:00`);
  return Number.isNaN(at) ? undefined : iso(at);
}

/** Whether the visitor's own clock is another one. */
export const isElsewhere = () => -new Date().getTimezoneOffset() * MINUTE !== AHEAD;
