/** What the pages of operators ask. */
import { api, ask, askJson, askRaw, Problem } from "../../api/client";
import type { components } from "../../api/schema";

type Schemas = components["schemas"];
export type Status = Schemas["StatusView"];
export type Held = Schemas["HeldView"];
export type Shown = Schemas["ShownView"];
export type Linkage = Schemas["Linkage"];
export type Order = Partial<Schemas["OrderBody"]> & { feed: string; reason: string };
export type Replayed = Schemas["ReplayedView"];
/** The document has another type of the same name for a change, so it is written down here. */
export type Reprocessed = Omit<Schemas["ReprocessedView"], "changes"> & {
  changes: { kind: string; batch_id: string; row: number; event: string; fields: { field: string }[] }[];
};

/** Open rows of one feed with one reason. */
export interface HeldCount {
  feed: string;
  code: string;
  rows: number;
  oldest: string;
}

/** What a reason code means, in both languages. */
export interface Reason {
  code: string;
  meaning: string;
  mend: string;
  meaning_zh?: string;
  mend_zh?: string;
}

/** An answer whose receipt is in the header alone. */
async function receipted<T>(path: string, body?: unknown): Promise<T & { receipt?: { id: string } }> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const response = await askRaw(path, init);
  const id = response.headers.get("Isthmus-Receipt");
  return { ...((await response.json()) as T), receipt: id ? { id } : undefined };
}

/** What only some hubs offer: their answer, or null. */
async function optional<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Problem && error.code === "route-unknown") return null;
    throw error;
  }
}

export const readStatus = () => optional(ask(api.GET("/v1/system/status")) as Promise<Status>);
export type Models = Schemas["ModelsView"];
export type Trial = Schemas["TrialView"];
type Changed = Schemas["ChangedView"];

export const listModels = () => askJson<Models>("/v1/models");
export const previewModel = (model: string) => receipted<Trial>("/v1/models/preview", { model });
export const activateModel = (body: { model: string; reason: string }) => receipted<Changed>("/v1/models/activate", body);
export const rollBackModel = (reason: string) => receipted<Changed>("/v1/models/rollback", { reason });

export const readLinkage = () => ask(api.GET("/v1/system/linkage"));

/** Whether persons can be answered about now, and if not, which part is away. */
export async function readReady(): Promise<{ ready: boolean; word: string }> {
  const response = await fetch("/readyz");
  const word = (await response.text()).trim();
  if (response.ok || response.status === 503) return { ready: response.ok, word };
  throw Problem.of(response.status, null);
}

export const countHeld = async () => (await askJson<{ counts: HeldCount[] }>("/v1/quarantine")).counts;
export const listReasons = () => askJson<Reason[]>("/v1/reasons");

export interface Selection {
  feed?: string;
  code?: string;
  batch?: string;
  all?: boolean;
}

export async function listHeld({ feed, code, batch, all }: Selection, after: string | undefined) {
  const query = new URLSearchParams({ limit: "200" });
  for (const [name, value] of Object.entries({ feed, code, batch, after })) if (value) query.set(name, value);
  if (all) query.set("all", "true");
  return askJson<Schemas["HeldPage"]>(`/v1/quarantine/rows?${query}`);
}

export const showHeld = (batch: string, row: number) => receipted<Shown>(`/v1/quarantine/rows/${batch}/${row}`);
export const replay = (order: Order) => receipted<Replayed>("/v1/quarantine/replay", order);
export const discard = (order: Order) => receipted<Schemas["DiscardedView"]>("/v1/quarantine/discard", order);
export const reprocess = (body: { feed: string; preview: boolean; rows?: number; reason?: string }) =>
  receipted<Reprocessed>("/v1/quarantine/reprocess", body);
