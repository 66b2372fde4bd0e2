/** Follow-ups: one task is one person who met a case, at one community unit. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { askRaw } from "../../api/client";
import { useTask } from "../../session/task";

export const STATES = ["to_notify", "not_reached", "refused", "notified", "quarantined", "released", "covered", "period_over", "died", "not_this_person", "moved_away", "withdrawn"] as const;
export type State = (typeof STATES)[number];

export type StepName =
  | "notified" | "not_reached" | "refused" | "quarantined" | "released" | "covered"
  | "offered" | "accepted" | "declined" | "taken_back"
  | "screened" | "transported" | "admitted" | "referral_closed" | "closed";

export interface Referral {
  stage: "screened" | "transported" | "admitted" | "closed";
  since: string;
  place?: string;
  outcome?: string;
}

export interface FollowUp {
  follow_up_id: string;
  version: number;
  person_id?: string;
  unit?: string;
  offered_to?: string;
  state: State;
  since: string;
  until?: string;
  attempts: number;
  referral?: Referral;
  due?: string;
  due_for?: string;
  overdue: boolean;
  steps: StepName[];
  identity?: { name?: string | null; sex?: string | null; birth_date?: string | null };
  contact?: { phone?: string | null };
  address?: string | null;
}

export interface Step {
  version: number;
  step: string;
  at: string;
  by?: string;
  state: State;
  unit?: string;
  offered_to?: string;
  until?: string;
  referral?: Referral;
  note?: string;
}

export type Counts = { total: number; overdue: number; offered: number } & Record<State, number>;

/** As the figures of a unit tell them. */
export type UnitCounts = Counts & { open: number; quarantined_until?: string | null };

export interface Page {
  unit: string;
  counts: Counts;
  follow_ups: FollowUp[];
  next?: string;
  withheld: string[];
  receipt: { id: string };
}

export type Detail = FollowUp & { history: Step[]; withheld: string[]; receipt: { id: string } };

export interface StepBody {
  step: StepName;
  until?: string;
  to?: string;
  place?: string;
  outcome?: string;
  reason?: string;
  note?: string;
}

const LIMIT = 200;

/** The most urgent tasks of a unit, and how many there are of each kind. Asked only where a page shows them. */
export function useFollowUps(unit: string, wanted = true) {
  const purpose = useTask()?.purpose;
  return useQuery<Page>({
    queryKey: ["follow-ups", unit],
    // Keeping the register is no ground for looking at who met a case.
    enabled: wanted && purpose === "PUBHLTH",
    queryFn: async () => {
      const first = await page(unit);
      // More than a page is rare; a worker who has that many wants to see how many they are.
      const rest: FollowUp[] = [];
      let next = first.next;
      for (let pages = 1; next && pages < 10; pages++) {
        const more = await page(unit, next);
        rest.push(...more.follow_ups);
        next = more.next;
      }
      return { ...first, follow_ups: [...first.follow_ups, ...rest], next };
    },
  });
}

async function page(unit: string, after?: string): Promise<Page> {
  const query = new URLSearchParams({ limit: String(LIMIT) });
  if (after) query.set("after", after);
  return (await askRaw(`/v1/units/${unit}/follow-ups?${query}`)).json() as Promise<Page>;
}

export function useFollowUp(id: string) {
  return useQuery<Detail>({ queryKey: ["follow-up", id], queryFn: async () => (await askRaw(`/v1/follow-ups/${id}`)).json() });
}

/** Takes a step. Applied at once, or in a moment: then the lists still show what was before. */
export function useTakeStep(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (body: StepBody) => {
      const headers = { "Content-Type": "application/json" };
      const response = await askRaw(`/v1/follow-ups/${id}/steps`, { method: "POST", headers, body: JSON.stringify(body) });
      return (await response.json()) as { applied: boolean; follow_up?: FollowUp };
    },
    onSuccess: async ({ follow_up }) => {
      // The lists and figures are asked anew when somebody looks at them, not before.
      queries.removeQueries({ queryKey: ["follow-ups"] });
      queries.removeQueries({ queryKey: ["unit"] });
      // What was handed over is no longer the worker's to look at.
      if (follow_up) await queries.invalidateQueries({ queryKey: ["follow-up", id] });
    },
  });
}
