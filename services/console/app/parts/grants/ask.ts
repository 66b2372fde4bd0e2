/** Emergency grants: asked for by one, approved by two of other units, stopped by many, reviewed afterwards. */
import { askJson } from "../../api/client";

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

/** What is asked for. */
export interface GrantQuestion {
  area: string;
  roles: string[];
  groups: string[];
  reason: string;
  minutes: number;
}

export const GRANT_ROLES = ["cdc-tracer", "community-worker"];
/** What a grant may open: payments and care are never among them. */
export const GRANT_GROUPS = ["identity", "contact", "residence", "household", "trail", "health", "provenance", "links"];
export const REQUEST_REASONS = ["OUTBREAK", "DISASTER", "SEARCH", "OTHER"];

export const listGrants = () => askJson<Receipted & { grants: Grant[] }>("/v1/grants");
export const readGrant = (grant: string) => askJson<Receipted & GrantDetail>(`/v1/grants/${grant}`);
export const requestGrant = (question: GrantQuestion) => askJson<Receipted & Grant>("/v1/grants", { ...question, purpose: "PUBHLTH" });
export const approveGrant = (grant: string) => askJson<Receipted & Grant>(`/v1/grants/${grant}/approve`, {});
export const stopGrant = (grant: string, reason: string) => askJson<Receipted & Grant>(`/v1/grants/${grant}/stop`, { reason });
export const reviewGrant = (grant: string, verdict: string, reason: string) => askJson<Receipted & Grant>(`/v1/grants/${grant}/review`, { verdict, reason });
