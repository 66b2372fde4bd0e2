/** What the pages of auditors ask, and the receipts that they got for it: each is a look that is on record itself. */
import { useSyncExternalStore } from "react";
import { api, ask, askRaw, callHeaders, Problem } from "../../api/client";
import type { components } from "../../api/schema";
import { AHEAD_MIN } from "../../parts/city";

export type EntryView = components["schemas"]["EntryView"];
type WholeSearch = components["schemas"]["EntrySearch"];
/** Each member narrows the search; the document calls what may be left out nullable. */
export type EntrySearch = Partial<WholeSearch>;
export type Suspicion = components["schemas"]["Suspicion"];
export type Counted = components["schemas"]["Counted"];
export type Receipt = components["schemas"]["ReceiptView"];

export interface Kept {
  /** Key of the texts: what was asked. */
  asked: string;
  at: number;
  receipt: Receipt;
}

const KEPT = 8;
let kept: Kept[] = [];
const listeners = new Set<() => void>();

function keep<T extends { receipt?: Receipt }>(asked: string, answer: T): T {
  if (answer.receipt) {
    kept = [{ asked, at: Date.now(), receipt: answer.receipt }, ...kept].slice(0, KEPT);
    for (const listener of listeners) listener();
  }
  return answer;
}

/** The receipts of this visit's last answers, the newest first. They are kept in memory alone. */
export function useReceipts(): Kept[] {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => kept);
}

/** The headers that the document asks for; the client sends them with every call. */
const header = () => callHeaders("/v1/ledger") as { "Isthmus-Purpose": string };

export async function searchLog(search: EntrySearch) {
  return keep("search", await ask(api.POST("/v1/ledger/search", { params: { header: header() }, body: search as WholeSearch })));
}

export type CountBy = "actor" | "unit" | "role" | "action" | "purpose" | "refusal" | "day";

/** Days are those of the city's clock. */
export async function countLog(by: CountBy, from?: string, until?: string) {
  return keep("statistics", await ask(api.GET("/v1/ledger/statistics", { params: { header: header(), query: { by, from, until, offset_min: AHEAD_MIN } } })));
}

export async function listCases(state: "open" | "decided", after?: number) {
  return keep("cases", await ask(api.GET("/v1/ledger/suspicions", { params: { header: header(), query: { state, after } } })));
}

export async function decideCase(body: components["schemas"]["Verdict"]) {
  return keep("decide", await ask(api.POST("/v1/ledger/suspicions", { params: { header: header() }, body })));
}

export async function readCheckpoint(): Promise<string> {
  return (await askRaw("/v1/ledger/checkpoint")).text();
}

/** The verifier keys that the hub shows; none when it shows none. */
export async function readKeys(): Promise<string> {
  return optional(async () => (await (await askRaw("/v1/ledger/key")).text()).trim(), "");
}

/** What a hub may not offer yet: its answer, or this. */
export async function optional<T>(call: () => Promise<T>, missing: T): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Problem && error.code === "route-unknown") return missing;
    throw error;
  }
}

async function json<T extends { receipt?: Receipt }>(asked: string, path: string, body?: unknown): Promise<T> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  return keep(asked, (await (await askRaw(path, init)).json()) as T);
}

interface Receipted {
  receipt?: Receipt;
}

/** A look with what explains it, and what makes it doubtful. */
export interface Weighed {
  entry: EntryView;
  score: number;
  alert: boolean;
  explanations: string[];
  parts: { rule: string; weight: number }[];
}

export interface Unexplained extends Receipted {
  rules: string;
  weighed: number;
  unexplained: number;
  alerts: number;
  looks: Weighed[];
  next?: number;
}

export async function listUnexplained(from: string | undefined, alerts: boolean, offset: number) {
  const query = new URLSearchParams({ offset: String(offset), limit: "100" });
  if (from) query.set("from", from);
  if (alerts) query.set("alerts", "true");
  return json<Unexplained>("unexplained", `/v1/ledger/unexplained?${query}`);
}

export interface NameRequest {
  request: string;
  subject: string;
  index: number;
  reason: string;
  asked_by: string;
  asked_at: string;
  approved_by?: string;
  shown_at?: string;
  state: "asked" | "approved" | "shown";
}

export const listNames = () => json<Receipted & { requests: NameRequest[] }>("names", "/v1/ledger/names");
export const askName = (subject: string, index: number, reason: string) =>
  json<Receipted & { request: string; state: string }>("nameAsk", "/v1/ledger/names", { subject, index, reason });
export const approveName = (request: string) => json<Receipted & { state: string }>("nameApprove", `/v1/ledger/names/${request}/approve`, {});
export const showName = (request: string) =>
  json<Receipted & { subject: string; name?: string }>("nameShow", `/v1/ledger/names/${request}/show`, {});

export type MarkKind = "CANARY" | "PROMINENT" | "NONE";

export interface Marked {
  person_id: string;
  marks: { mark: MarkKind; since: string; by: string }[];
}

export const listMarks = () => json<Receipted & { marked: Marked[] }>("marks", "/v1/ledger/marks");
export const setMark = (person_id: string, mark: MarkKind) => json<Receipted & Marked>("mark", "/v1/ledger/marks", { person_id, mark });

export interface EntryProof extends Receipted {
  entry: string;
  proof: Receipt;
}

/** The bytes of an entry with a proof under the newest head. */
export const readEntryProof = (index: number) => json<EntryProof>("proof", `/v1/ledger/proof?index=${index}`);
