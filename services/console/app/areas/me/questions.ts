/** The questions of a resident about the own file. The own id is learned with the health code, which names it. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, askJson, askRaw } from "../../api/client";
import { stated, usePersonFile, type Schemas } from "../../parts/person/questions";

export type Appeal = Schemas["AppealView"];
export type Code = Schemas["Receipted_CodeAnswer"];
export type Look = Schemas["Look"];

export const askCode = (on?: string): Promise<Code> => ask(api.GET("/v1/me/health-code", { params: { header: stated(), query: on ? { on } : {} } }));

export function useCode(on?: string) {
  return useQuery({ queryKey: ["me", "code", on], queryFn: () => askCode(on) });
}

/** The own file, after the own id is known. */
export function useMyFile() {
  const code = useCode();
  const file = usePersonFile(code.data?.person_id);
  return { code, file };
}

/** Where the resident was: the own route, which needs no id. */
export const askMyItinerary = (from: string, to: string) => askJson<Schemas["Receipted_ItineraryAnswer"]>(`/v1/me/itinerary?${new URLSearchParams({ from, to })}`);

export function useMyItinerary(from: string, to: string) {
  return useQuery({ queryKey: ["me", "itinerary", from, to], queryFn: () => askMyItinerary(from, to) });
}

export const askLooks = (before?: number) => ask(api.GET("/v1/me/accesses", { params: { header: stated(), query: { limit: 200, ...(before !== undefined && { before }) } } }));

export function useLooks() {
  return useInfiniteQuery({
    queryKey: ["me", "looks"],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam }) => askLooks(pageParam),
    getNextPageParam: (last) => last.next ?? undefined,
    // The list grows with each page of the own file; whoever comes back to it sees it as it is.
    gcTime: 0,
  });
}

export function useContest() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { index: number; reason: string }) => ask(api.POST("/v1/me/contests", { params: { header: stated() }, body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["me", "looks"] }),
  });
}

const CONTESTS = ["me", "contests"];

/** Values and records that were contested, with what became of them. */
export const askContests = () => ask(api.GET("/v1/me/contests", { params: { header: stated() } }));

export function useContests() {
  return useQuery({ queryKey: CONTESTS, queryFn: askContests });
}

export function useContestFile() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { record_id: string; field?: string; words: string }) => ask(api.POST("/v1/me/contests", { params: { header: stated() }, body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: CONTESTS }),
  });
}

export const askAppeals = async (): Promise<{ appeals: Appeal[]; receipt?: { id: string } }> => (await askRaw("/v1/me/health-code/appeals")).json();

export function useAppeals(on: boolean) {
  return useQuery({ queryKey: ["me", "appeals"], enabled: on, queryFn: askAppeals });
}

export function useAppeal() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (words: string) => {
      const body = JSON.stringify({ events: [], words });
      await askRaw("/v1/me/health-code/appeals", { method: "POST", body, headers: { "Content-Type": "application/json" } });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["me", "appeals"] });
      await queries.invalidateQueries({ queryKey: ["me", "code"] });
    },
  });
}
