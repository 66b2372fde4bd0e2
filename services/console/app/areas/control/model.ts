/** The answers that this area shows. Where the OpenAPI document does not have a route yet, its types are written here. */
import type { Feature, FeatureCollection, Geometry } from "geojson";
import type { components } from "../../api/schema";

type Schemas = components["schemas"];

export type Receipted<T> = T & { receipt: Schemas["ReceiptView"] };
export type CaseList = Receipted<Schemas["CaseList"]>;
export type KnownCase = Schemas["KnownCase"];
export type CaseAnswer = Receipted<Schemas["CaseAnswer"]>;
export type SuggestionList = Receipted<Schemas["SuggestionList"]>;
export type Suggestion = Schemas["Suggestion"];
export type Townships = Receipted<Schemas["Townships"]>;
export type TownshipRisk = Schemas["TownshipRisk"];
export type Reason = Schemas["CodeReasonView"];
export type CodeAnswer = Receipted<Schemas["CodeAnswer"] & { set_aside?: Reason[]; appeals?: Appeal[] }>;
export type PersonList = Receipted<Schemas["PersonList"]>;
export type PersonCard = Schemas["PersonCard"];
export type ContactsAnswer = Receipted<Schemas["ContactsAnswer"]>;
export type Contact = ContactsAnswer["contacts"][number];
export type SubContact = Schemas["SubContactView"];
export type Meeting = Schemas["MeetingView"];
export type GridSquare = Schemas["GridSquare"];
export type Item = Schemas["ItemView"];
export type Contradiction = Schemas["ContradictionView"];
export type Place = Schemas["PlaceView"];

/** The golden record, as far as it is shown here. */
export type PersonFile = Receipted<
  Omit<Schemas["PersonFile"], "contact"> & { contact?: { phones: { value: Schemas["PhoneView"] }[] } | null }
>;

/** An itinerary with the shape of each item. */
export interface Itinerary extends Omit<Receipted<Schemas["ItineraryAnswer"]>, "items"> {
  type: FeatureCollection["type"];
  features: Feature<Geometry | null, Item>[];
}

export type FollowUpState = "to_notify" | "notified" | "not_reached" | "refused" | "quarantined" | "released" | "covered" | "period_over" | "died" | "not_this_person" | "moved_away" | "withdrawn";

export const FOLLOW_UP_STATES: FollowUpState[] = ["to_notify", "not_reached", "refused", "notified", "quarantined", "released", "covered", "period_over", "died", "not_this_person", "moved_away", "withdrawn"];

export interface FollowUp {
  follow_up_id: string;
  version: number;
  case?: string;
  person_id?: string;
  unit?: string;
  offered_to?: string;
  state: FollowUpState;
  since: string;
  until?: string;
  attempts: number;
  referral?: { stage: string; since: string; place?: string; outcome?: string };
  due?: string;
  due_for?: string;
  overdue: boolean;
  steps: string[];
  identity?: Schemas["CardIdentity"];
  contact?: Schemas["CardContact"];
  address?: string;
}

export type FollowUpCounts = Record<FollowUpState | "total" | "overdue" | "offered", number>;

export type FollowUpList = Receipted<{ contacts_without?: number; counts: FollowUpCounts; follow_ups: FollowUp[]; next?: string; withheld: string[] }>;

export interface Step {
  version: number;
  step: string;
  at: string;
  by: string;
  state: FollowUpState;
  unit?: string;
  offered_to?: string;
  until?: string;
  referral?: { stage: string; place?: string; outcome?: string };
  note?: string;
}

export type FollowUpAnswer = Receipted<FollowUp & { history: Step[]; withheld: string[] }>;

export type Notified = Receipted<{
  contacts: number;
  known: number;
  created: number;
  unassigned: number;
  met_again: number;
  remaining: number;
  left_out: number;
  applied: boolean;
}>;

export type AppealState = "open" | "upheld" | "rejected";

export interface Appeal {
  appeal_id: string;
  person_id?: string;
  made: string;
  words?: string;
  events: string[];
  state: AppealState;
  decided?: string;
  by?: string;
  reason?: string;
  note?: string;
}

export type AppealList = Receipted<{ appeals: Appeal[]; next?: number }>;

export const APPEAL_REASONS = {
  UPHELD: ["FACT_WRONG", "NOT_THE_PERSON", "NO_EXPOSURE", "RULE_MISAPPLIED", "OTHER"],
  REJECTED: ["FACT_CONFIRMED", "OTHER"],
} as const;

export type Verdict = keyof typeof APPEAL_REASONS;

export const SIGNAL_KINDS = ["still-meter", "away", "on-train", "test-without-person"] as const;

export interface Signal {
  kind: (typeof SIGNAL_KINDS)[number];
  at: string;
  until?: string;
  person_id?: string;
  follow_up_id?: string;
  case?: string;
  kwh?: number;
  metres?: number;
  mode?: string;
  run?: string;
  test?: string;
  result?: string;
  events?: string[];
}

export type SignalList = Receipted<{ signals: Signal[]; next?: number; left_out: number; rules: string; withheld: string[] }>;
