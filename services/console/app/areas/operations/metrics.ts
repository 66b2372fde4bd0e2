/** The metrics of the process (Prometheus text), sampled while a page is open. They say nothing of any person. */
import { useEffect, useSyncExternalStore } from "react";

export interface Sample {
  at: number;
  series: Series[];
}

export interface Series {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** Reads the text form of Prometheus; buckets of histograms are left out. */
export function readMetrics(text: string): Series[] {
  const series: Series[] = [];
  for (const line of text.split("\n")) {
    const found = LINE.exec(line);
    const [, name, labels, value] = found ?? [];
    if (!name || name.endsWith("_bucket")) continue;
    const read = Object.fromEntries([...(labels ?? "").matchAll(LABEL)].map(([, label, text]) => [label ?? "", text ?? ""]));
    series.push({ name, labels: read, value: Number(value) });
  }
  return series;
}

/** The sum of a metric over its series, of those that have these labels. */
export function total(sample: Sample | undefined, name: string, labels: Record<string, string> = {}): number {
  const has = (series: Series) => series.name === name && Object.entries(labels).every(([label, value]) => series.labels[label] === value);
  return sample?.series.filter(has).reduce((sum, { value }) => sum + value, 0) ?? 0;
}

/** How much a counter grew per minute from one sample to the next. A process that started anew begins at nothing. */
export function perMinute(before: Sample, after: Sample, name: string, labels: Record<string, string> = {}): number {
  const grown = total(after, name, labels) - total(before, name, labels);
  const minutes = (after.at - before.at) / 60_000;
  return minutes > 0 ? Math.max(0, grown) / minutes : 0;
}

const EVERY_MS = 5_000;
const KEPT = 180;
let samples: Sample[] = [];
let failed = false;
const listeners = new Set<() => void>();

async function take(): Promise<void> {
  try {
    const response = await fetch("/metrics");
    if (!response.ok) throw new Error(String(response.status));
    samples = [...samples, { at: Date.now(), series: readMetrics(await response.text()) }].slice(-KEPT);
    failed = false;
  } catch {
    failed = true;
  }
  for (const listener of listeners) listener();
}

interface Metrics {
  samples: Sample[];
  failed: boolean;
}
let shown: Metrics = { samples, failed };

/** The samples of this visit; a new one every five seconds while the page is looked at. */
export function useMetrics(): Metrics {
  useEffect(() => {
    const look = () => document.visibilityState === "visible" && void take();
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => {
    if (shown.samples !== samples || shown.failed !== failed) shown = { samples, failed };
    return shown;
  });
}
