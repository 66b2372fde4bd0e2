/** The questions of a reviewer, and what a decision changes of what is shown. */
import { useInfiniteQuery, useMutation, useQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import { stated, type Schemas } from "../../parts/person/questions";

export type Task = Schemas["TaskView"];
export type ReviewFile = Schemas["Receipted_ReviewFile"];
export type Decision = Schemas["DecisionView"];
type ReviewPage = Schemas["Receipted_ReviewList"];

export type Verdict = "SAME" | "DIFFERENT";
export interface Reasoned {
  reason: string;
  note?: string;
}

const QUEUE = ["review", "queue"];
const MINE = ["review", "mine"];

export function useQueue(kind: string | undefined) {
  return useInfiniteQuery({
    queryKey: [...QUEUE, kind],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => ask(api.GET("/v1/reviews", { params: { header: stated(), query: { limit: 200, ...(kind && { kind }), ...(pageParam && { after: pageParam }) } } })),
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

export function useTaskFile(task: string | undefined) {
  return useQuery({
    queryKey: ["review", "task", task],
    enabled: Boolean(task),
    queryFn: () => ask(api.GET("/v1/reviews/{task_id}", { params: { header: stated(), path: { task_id: task ?? "" } } })),
  });
}

export function useDecisions(state: string | undefined) {
  return useInfiniteQuery({
    queryKey: ["review", "decisions", state],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => ask(api.GET("/v1/decisions", { params: { header: stated(), query: { ...(state && { state }), ...(pageParam && { after: pageParam }) } } })),
    getNextPageParam: (last) => last.next ?? undefined,
    // Others decide too: whoever comes to the list sees it as it is.
    gcTime: 0,
  });
}

/** The decisions of this sitting that can be undone, the last one at the end. */
export function useMine(): Decision[] {
  return useQuery<Decision[]>({ queryKey: MINE, queryFn: () => [], enabled: false, initialData: [] }).data;
}

export function useDecide() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ task, verdict, reason, note }: Reasoned & { task: Task; verdict: Verdict }) => {
      const [a, b] = task.records;
      return ask(
        api.POST("/v1/decisions", { params: { header: stated() }, body: { record_a: a?.record_id ?? "", record_b: b?.record_id ?? "", verdict, reason, ...(note?.trim() && { note: note.trim() }) } }),
      );
    },
    onSuccess: (decided, { task }) => {
      // The task is done: it leaves the lists that are shown, and is not asked for again.
      queries.setQueriesData<InfiniteData<ReviewPage>>({ queryKey: QUEUE }, (list) =>
        list && { ...list, pages: list.pages.map((page) => ({ ...page, tasks: page.tasks.filter((one) => one.task_id !== task.task_id) })) },
      );
      queries.setQueryData<Decision[]>(MINE, (mine = []) => [...mine, decided.decision]);
      queries.removeQueries({ queryKey: ["review", "decisions"], type: "inactive" });
    },
  });
}

export function useUndo() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ decision, reason, note }: Reasoned & { decision: Decision }) =>
      ask(
        api.DELETE("/v1/decisions/{decision_id}", {
          params: { header: stated(), path: { decision_id: decision.decision_id } },
          body: { version: decision.version, reason, ...(note?.trim() && { note: note.trim() }) },
        }),
      ),
    onSuccess: (_, { decision }) => {
      queries.setQueryData<Decision[]>(MINE, (mine = []) => mine.filter((one) => one.decision_id !== decision.decision_id || one.version !== decision.version));
      queries.removeQueries({ queryKey: ["review", "task", decision.decision_id] });
      // The pair is a task again.
      void queries.invalidateQueries({ queryKey: QUEUE });
      void queries.invalidateQueries({ queryKey: ["review", "decisions"] });
    },
  });
}

export type ContestState = "open" | "upheld" | "rejected";
export interface Answer extends Reasoned {
  verdict: "UPHELD" | "REJECTED";
}
const CONTESTS = ["review", "contests"];

export function useContests(state: ContestState) {
  return useInfiniteQuery({
    queryKey: [...CONTESTS, state],
    initialPageParam: undefined as number | undefined,
    queryFn: ({ pageParam }) => ask(api.GET("/v1/contests", { params: { header: stated(), query: { state, limit: 100, ...(pageParam !== undefined && { after: pageParam }) } } })),
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

const noted = ({ note, ...body }: Answer) => ({ ...body, ...(note?.trim() && { note: note.trim() }) });

export function useAnswer(contest: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (answer: Answer) => ask(api.POST("/v1/contests/{contest}/decision", { params: { header: stated(), path: { contest } }, body: noted(answer) })),
    onSuccess: () => queries.invalidateQueries({ queryKey: CONTESTS }),
  });
}

/** Decides that a contested record and another one of the file are of two persons. */
export function useApart() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ note, ...pair }: Reasoned & { record_a: string; record_b: string }) =>
      ask(api.POST("/v1/decisions", { params: { header: stated() }, body: { ...pair, verdict: "DIFFERENT", ...(note?.trim() && { note: note.trim() }) } })),
    onSuccess: () => {
      queries.removeQueries({ queryKey: ["review", "decisions"], type: "inactive" });
      return queries.invalidateQueries({ queryKey: CONTESTS });
    },
  });
}
