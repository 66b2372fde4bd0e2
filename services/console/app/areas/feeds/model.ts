/** What the hub tells the sender of a feed. None of it is about persons, but for the file of failed rows. */
import { useInfiniteQuery, useQueries, useQuery } from "@tanstack/react-query";
import { api, ask, askRaw } from "../../api/client";
import type { components } from "../../api/schema";

export type Feed = components["schemas"]["FeedDetail"];
export type Quality = components["schemas"]["QualityView"];
export type Day = Quality["days"][number];
export type Receipt = components["schemas"]["Receipt"];
export type DryRun = components["schemas"]["DryRun"];
export type FailedRow = components["schemas"]["FailedRow"];
export type Notice = components["schemas"]["NoticeView"];

/** A reason for which rows are quarantined or bodies refused. */
export interface Reason {
  code: string;
  meaning: string;
  mend: string;
  meaning_zh: string;
  mend_zh: string;
}

const feedQuestion = (feed: string) => ({
  queryKey: ["feed", feed],
  queryFn: () => ask(api.GET("/v1/feeds/{feed}", { params: { path: { feed } } })),
});

const qualityQuestion = (feed: string) => ({
  queryKey: ["feed-quality", feed],
  queryFn: () => ask(api.GET("/v1/feeds/{feed}/quality", { params: { path: { feed } } })),
});

export const useFeed = (feed: string) => useQuery<Feed>(feedQuestion(feed));
export const useQuality = (feed: string) => useQuery<Quality>(qualityQuestion(feed));
export const useFeeds = (feeds: string[]) => useQueries({ queries: feeds.map(feedQuestion) });
export const useQualities = (feeds: string[]) => useQueries({ queries: feeds.map(qualityQuestion) });

export interface BatchFilter {
  state?: string;
  outcome?: string;
  code?: string;
}

const BATCHES = 100;

export function useBatches(feed: string, filter: BatchFilter) {
  return useInfiniteQuery({
    queryKey: ["feed-batches", feed, filter],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam }) => ask(api.GET("/v1/feeds/{feed}/batches", { params: { path: { feed }, query: { ...filter, before: pageParam, limit: BATCHES } } })),
    getNextPageParam: (last) => numberIn(last.next, "before"),
  });
}

/** A receipt, looked at again and again while the batch is being read. */
export function useBatch(feed: string, batch: string | undefined) {
  return useQuery<Receipt>({
    queryKey: ["feed-batch", feed, batch],
    enabled: Boolean(batch),
    queryFn: () => ask(api.GET("/v1/feeds/{feed}/batches/{batch}", { params: { path: { feed, batch: batch ?? "" } } })),
    refetchInterval: (query) => (query.state.data?.state === "processing" ? 700 : false),
    // Others mend rows meanwhile; whoever comes back sees how it stands.
    staleTime: 5_000,
  });
}

const ROWS = 500;

export function useFailedRows(feed: string, batch: string, all: boolean, enabled = true) {
  return useInfiniteQuery({
    queryKey: ["feed-failed", feed, batch, all],
    enabled,
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam }) => ask(api.GET("/v1/feeds/{feed}/batches/{batch}/rows", { params: { path: { feed, batch }, query: { outcome: "quarantined", all, after: pageParam, limit: ROWS } } })),
    getNextPageParam: (last) => numberIn(last.next, "after"),
    staleTime: 5_000,
  });
}

/** What the codes mean and how their rows are mended; the same for every feed. */
export function useReasons() {
  return useQuery<Reason[]>({ queryKey: ["feed-reasons"], queryFn: async () => (await askRaw("/v1/reasons")).json() });
}

/** The file of failed rows in the form in which they came. */
export async function failedFile(feed: string, batch: string): Promise<ArrayBuffer> {
  return (await askRaw(`/v1/feeds/${feed}/batches/${batch}/quarantined`)).arrayBuffer();
}

function numberIn(next: string | null | undefined, name: string): number | undefined {
  const value = next && new URLSearchParams(next.split("?")[1]).get(name);
  return value ? Number(value) : undefined;
}

/** How the rows of a feed are cut, as its profile says. */
export interface Form {
  kind: string;
  encoding: string;
  separator: string;
  quote: string | undefined;
  header: boolean;
  preambleLines: number;
}

export function formOf(feed: Feed): Form {
  // The profile is TOML; these members stand on lines of their own in the part `[format]`.
  const part = /^\[format\]\s*$([\s\S]*?)(?=^\[|(?![\s\S]))/m.exec(feed.profile)?.[1] ?? "";
  const member = (name: string) => new RegExp(`^${name}\\s*=\\s*(.+?)\\s*(#.*)?$`, "m").exec(part)?.[1];
  const text = (value: string | undefined) => (value ? value.slice(1, -1).replace(/^\\t$/, "\t").replace(/^\\(.)$/, "$1") : undefined);
  return {
    kind: feed.format,
    encoding: feed.encoding,
    separator: text(member("separator")) ?? ",",
    quote: text(member("quote")),
    header: member("header") === "true",
    preambleLines: Number(member("preamble_lines") ?? 0),
  };
}
