/** What the pages of disease control ask. Each look is on record, so that a page asks what it shows and keeps the answer. */
import { useInfiniteQuery, useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { Problem, askRaw } from "../../api/client";
import type * as Model from "./model";

type Query = Record<string, string | number | boolean | undefined>;

async function get<T>(path: string, query: Query = {}, accept = "application/json"): Promise<T> {
  const stated = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  const members = new URLSearchParams(stated).toString();
  const response = await askRaw(members ? `${path}?${members}` : path, { headers: { Accept: accept } });
  return (await response.json()) as T;
}

async function post<T>(path: string, body: object): Promise<T> {
  const headers = { "Content-Type": "application/json" };
  return (await (await askRaw(path, { method: "POST", headers, body: JSON.stringify(body) })).json()) as T;
}

/** The hub is older than the page: it has no such route. */
export const isAbsent = (error: unknown) => error instanceof Problem && error.code === "route-unknown";

const key = (...parts: unknown[]) => ["control", ...parts];
const cases = (query: Query) => get<Model.CaseList>("/v1/cases", { limit: 200, ...query });

/** The first 200 cases; it is what the clock of a demo goes by, too. */
export const useFirstCases = () => useQuery({ queryKey: key("cases", "all", "first"), queryFn: () => cases({}) });

export function useCases(existing?: boolean, knownAt?: string) {
  return useInfiniteQuery({
    queryKey: key("cases", existing ?? "all", knownAt),
    queryFn: ({ pageParam }) => cases({ existing, known_at: knownAt, after: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useSuggested(on: string, enabled: boolean) {
  return useInfiniteQuery({
    enabled,
    queryKey: key("suggested", on),
    queryFn: ({ pageParam }) => get<Model.SuggestionList>("/v1/cases/suggested", { on, limit: 100, after: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useCase(id: string, knownAt?: string) {
  return useQuery({ queryKey: key("case", id, knownAt), queryFn: () => get<Model.CaseAnswer>(`/v1/cases/${id}`, { known_at: knownAt }) });
}

export function usePerson(id: string | undefined, asOf?: string) {
  return useQuery({
    queryKey: key("person", id, asOf),
    queryFn: () => get<Model.PersonFile>(`/v1/persons/${id}`, { as_of: asOf }),
    enabled: Boolean(id),
  });
}

export interface Stretch {
  from: string;
  to: string;
}

export function useItinerary(person: string, stretch: Stretch, enabled = true, knownAt?: string) {
  return useQuery({
    enabled,
    queryKey: key("itinerary", person, stretch, knownAt),
    queryFn: () => get<Model.Itinerary>(`/v1/persons/${person}/itinerary`, { ...stretch, known_at: knownAt }, "application/geo+json"),
  });
}

/** Contacts in one answer: each is told with all of its meetings. */
const CONTACTS = 50;

export function useContacts(person: string, stretch: Stretch, knownAt?: string) {
  return useInfiniteQuery({
    queryKey: key("contacts", person, stretch, knownAt),
    queryFn: ({ pageParam }) =>
      get<Model.ContactsAnswer>(`/v1/persons/${person}/contacts`, { ...stretch, known_at: knownAt, limit: CONTACTS, after: pageParam }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

/** The contacts that a page has shown already: what is at hand is told without another look. */
export function useContactsShown(person: string, stretch?: Stretch): Model.Contact[] {
  const pages = useQueryClient().getQueryData<{ pages: Model.ContactsAnswer[] }>(key("contacts", person, stretch, undefined))?.pages;
  return pages?.flatMap(({ contacts }) => contacts) ?? [];
}

/** The contacts of the contacts: the longest meetings of them. */
export function useSubContacts(person: string, stretch: Stretch, enabled: boolean, knownAt?: string) {
  return useQuery({
    queryKey: key("sub-contacts", person, stretch, knownAt),
    queryFn: () => get<Model.ContactsAnswer>(`/v1/persons/${person}/contacts`, { ...stretch, known_at: knownAt, sub: true, limit: CONTACTS * 2 }),
    enabled,
  });
}

export const useCode = (person: string, on?: string, knownAt?: string) =>
  useQuery({ queryKey: key("code", person, on, knownAt), queryFn: () => get<Model.CodeAnswer>(`/v1/persons/${person}/health-code`, { on, known_at: knownAt }) });

const townships = (on: string, knownAt?: string, outlines?: true) => ({
  queryKey: key("townships", on, knownAt, outlines),
  queryFn: () => get<Model.Townships>("/v1/townships", { on, known_at: knownAt, outlines }),
});

export const useTownships = (on: string, knownAt?: string, enabled = true) => useQuery({ ...townships(on, knownAt, true), enabled });

/** Townships by name, where the hub knows one: a case has the code alone. Asked of the same day as on the list of cases. */
export function useTownshipName(on: string, enabled = true): (code: string) => string {
  const { data } = useTownships(on, undefined, enabled);
  return (code) => data?.townships.find(({ township }) => township === code)?.name ?? code;
}

/** The same on several days; it is about no person. */
export const useTownshipDays = (days: string[], knownAt?: string) => useQueries({ queries: days.map((on) => townships(on, knownAt)) });

export const useFind = () => useMutation({ mutationFn: (question: object) => post<Model.PersonList>("/v1/persons/find", question) });

export interface FollowUpFilter {
  state?: string;
  overdue?: boolean;
}

export function useFollowUps(id: string, { state, overdue }: FollowUpFilter) {
  const filter = { state, overdue: overdue || undefined };
  return useInfiniteQuery({
    queryKey: key("follow-ups", id, filter),
    queryFn: ({ pageParam }) => get<Model.FollowUpList>(`/v1/cases/${id}/follow-ups`, { ...filter, limit: 200, after: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useUnassigned() {
  return useInfiniteQuery({
    queryKey: key("follow-ups", "unassigned"),
    queryFn: ({ pageParam }) => get<Model.FollowUpList>("/v1/follow-ups/unassigned", { limit: 200, after: pageParam }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export const useFollowUp = (id: string) =>
  useQuery({ queryKey: key("follow-up", id), queryFn: () => get<Model.FollowUpAnswer>(`/v1/follow-ups/${id}`) });

/** An order, after which what it changes is asked anew. */
function useOrder<Order, Answer>(order: (input: Order) => Promise<Answer>, ...changes: string[]) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: order,
    onSuccess: () => Promise.all(changes.map((part) => queries.invalidateQueries({ queryKey: key(part) }))),
  });
}

export const useNotify = (id: string) => useOrder(() => post<Model.Notified>(`/v1/cases/${id}/contacts/notify`, {}), "follow-ups");

export const useAssign = (id: string) =>
  useOrder((body: { unit: string; note?: string }) => post<object>(`/v1/follow-ups/${id}/assignment`, body), "follow-ups", "follow-up");

/** Closes what no unit has: nothing is left to be done. */
export const useClose = (id: string) =>
  useOrder((body: { reason: string }) => post<object>(`/v1/follow-ups/${id}/steps`, { step: "closed", ...body }), "follow-ups", "follow-up");

export function useAppeals(state?: Model.AppealState) {
  return useInfiniteQuery({
    queryKey: key("appeals", state),
    queryFn: ({ pageParam }) => get<Model.AppealList>("/v1/appeals", { state, limit: 100, after: pageParam }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export interface Decision {
  verdict: Model.Verdict;
  reason: string;
  note?: string;
}

export const useDecide = (id: string) => useOrder((body: Decision) => post<Model.Appeal>(`/v1/appeals/${id}/decision`, body), "appeals", "code");

export function useSignals(on: string, kind: string | undefined, enabled: boolean) {
  return useInfiniteQuery({
    queryKey: key("signals", on, kind),
    queryFn: ({ pageParam }) => get<Model.SignalList>("/v1/signals", { on, kind, limit: 100, after: pageParam }),
    enabled,
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
  });
}
