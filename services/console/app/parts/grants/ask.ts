/** Emergency grants: asked for by one, approved by two of other units, stopped by many, reviewed afterwards. */
import { askRaw } from "../../api/client";

export type GrantState = "requested" | "lapsed" | "active" | "ended" | "stopped" | "reviewed";

export interface Grant {
  grant: string;
  state: GrantState;
  area: string;
  purpose: string;
  roles: string[];
  groups: string[];
  reason: string;
  minutes: number;
  requested_by: string;
  /** Unit of the one who asked. */
  unit: string;
  requested_at: string;
  ends?: string;
  review_due?: string;
  overdue?: boolean;
  acts: { act: string; by: string; unit?: string; at: string; reason?: string; index?: number }[];
}

export interface GrantDetail extends Grant {
  residents?: { subject: string; looks: number }[];
}

interface Receipted {
  receipt?: { id: string };
}

async function json<T>(path: string, body?: unknown): Promise<T> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  return (await (await askRaw(path, init)).json()) as T;
}

export const listGrants = () => json<Receipted & { grants: Grant[] }>("/v1/grants");
export const readGrant = (grant: string) => json<Receipted & GrantDetail>(`/v1/grants/${grant}`);
export const approveGrant = (grant: string) => json<Receipted & Grant>(`/v1/grants/${grant}/approve`, {});
export const stopGrant = (grant: string, reason: string) => json<Receipted & Grant>(`/v1/grants/${grant}/stop`, { reason });
export const reviewGrant = (grant: string, verdict: string, reason: string) => json<Receipted & Grant>(`/v1/grants/${grant}/review`, { verdict, reason });
