/** What the hub knows of a unit and of its residents. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import type { components } from "../../api/schema";
import { currentTask } from "../../session/task";
import type { UnitCounts } from "./followUps";

export type Summary = components["schemas"]["UnitSummary"];
/** Figures of a unit; those of its follow-ups belong to public health. */
export type Count = components["schemas"]["UnitCountView"] & { follow_ups?: UnitCounts | null };
export type Resident = components["schemas"]["ResidentView"];
export type Membership = components["schemas"]["MemberView"];

/** The document asks for it by name; the client adds the same to each call. */
function purpose() {
  return { "Isthmus-Purpose": currentTask()?.purpose ?? "" };
}

export function useSummary(unit: string) {
  return useQuery({
    queryKey: ["unit", unit],
    queryFn: () => ask(api.GET("/v1/units/{unit}/summary", { params: { header: purpose(), path: { unit } } })),
  });
}

const PAGE = 200;

/** Residents, page by page: each page is a look of its own, so nobody is asked for before somebody wants to see them. */
export function useResidents(unit: string, keyGroup: string | undefined) {
  return useInfiniteQuery({
    queryKey: ["residents", unit, keyGroup ?? ""],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      ask(api.GET("/v1/units/{unit}/residents", { params: { header: purpose(), path: { unit }, query: { key_group: keyGroup, after: pageParam, limit: PAGE } } })),
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

/** Completed years on a day; both as `YYYY-MM-DD`. */
export function ageOn(day: string, birthDate: string | null | undefined): number | undefined {
  if (!birthDate || !/^\d{4}-\d{2}-\d{2}$/.test(birthDate)) return undefined;
  const years = Number(day.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return day.slice(5) < birthDate.slice(5) ? years - 1 : years;
}

/** A phone as people write it. */
export function phoneText(phone: string): string {
  const own = /^86(1\d{2})(\d{4})(\d{4})$/.exec(phone);
  return own ? `${own[1]} ${own[2]} ${own[3]}` : phone;
}

export function phoneLink(phone: string): string {
  return `tel:${phone.length > 11 ? "+" : ""}${phone}`;
}

/** Households without doubles: somebody may be registered and live in one and the same. */
export function householdsOf(resident: Resident): Membership[] {
  const found = new Map<string, Membership>();
  for (const one of resident.households ?? []) {
    const known = found.get(one.household_id);
    found.set(one.household_id, known ? { ...known, lives_there: known.lives_there || one.lives_there } : one);
  }
  return [...found.values()];
}
