/** Dates and numbers in the form of the chosen language; times by the clock of the city. */
import { useLanguage } from "../text";
import { ZONE } from "./city";

/** A day of the calendar is that day everywhere. */
const CALENDAR_DAY = /^\d{4}-\d\d-\d\d$/;

export function useFormat() {
  const locale = useLanguage() === "zh" ? "zh-CN" : "en-GB";
  const of = (value: string | number | Date | null | undefined, options: Intl.DateTimeFormatOptions) => {
    if (value === null || value === undefined || value === "") return "–";
    const date = new Date(value);
    const timeZone = typeof value === "string" && CALENDAR_DAY.test(value) ? "UTC" : ZONE;
    return Number.isNaN(date.getTime()) ? String(value) : new Intl.DateTimeFormat(locale, { ...options, timeZone }).format(date);
  };
  return {
    locale,
    instant: (value?: string | number | null) => of(value, { dateStyle: "medium", timeStyle: "short" }),
    second: (value?: string | number | null) => of(value, { dateStyle: "medium", timeStyle: "medium" }),
    day: (value?: string | number | null) => of(value, { dateStyle: "medium" }),
    /** Without the year, where the page says which. */
    shortDay: (value?: string | number | null) => of(value, { month: "short", day: "numeric" }),
    moment: (value?: string | number | null) => of(value, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" }),
    time: (value?: string | number | null) => of(value, { timeStyle: "short" }),
    number: (value?: number | null, digits = 0) =>
      value === null || value === undefined ? "–" : new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value),
    percent: (value?: number | null, digits = 1) =>
      value === null || value === undefined ? "–" : new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(value),
    /** An amount as the language writes it; what names no known currency stands as it was sent. */
    money: (amount?: string | null, currency?: string | null) => {
      if (!amount) return "";
      const value = Number(amount);
      if (!currency || !/^[A-Z]{3}$/.test(currency) || Number.isNaN(value)) return [amount, currency].filter(Boolean).join(" ");
      return new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(value);
    },
    list: (words: string[]) => new Intl.ListFormat(locale).format(words),
    bytes: (value?: number | null) => {
      if (value === null || value === undefined) return "–";
      const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
      const at = Math.min(units.length - 1, value > 0 ? Math.floor(Math.log10(value) / 3) : 0);
      return new Intl.NumberFormat(locale, { style: "unit", unit: units[at] ?? "byte", maximumFractionDigits: 1 }).format(value / 1000 ** at);
    },
  };
}
