/** Everything that the routes of a resident give, one part after the other. */
import { api, ask } from "../../api/client";
import { stated } from "../../parts/person/questions";
import { askAppeals, askCode, askContests, askLooks, askMyItinerary } from "./questions";

export interface Part {
  name: string;
  /** How many entries it has. */
  count: number;
  answers: unknown[];
}

export interface Progress {
  name: string;
  state: "waiting" | "running" | "done" | "failed";
  count?: number;
  why?: string;
}

const EVER = { from: "0001-01-02T00:00:00Z" };

/** The parts in their order; each is asked for only once the one before is there. */
export const PARTS = ["code", "file", "records", "links", "lineage", "timeline", "itinerary", "appeals", "contests", "looks"];

/** Reads all parts. A part that fails is named in the file, and does not stop the others. */
export async function takeAlong(tell: (progress: Progress[]) => void): Promise<{ parts: Record<string, unknown>; failed: string[] }> {
  const progress: Progress[] = PARTS.map((name) => ({ name, state: "waiting" }));
  const set = (name: string, change: Partial<Progress>) => {
    const one = progress.find((part) => part.name === name);
    if (one) Object.assign(one, change);
    tell([...progress]);
  };
  const parts: Record<string, unknown> = {};
  const failed: string[] = [];
  const code = await askCode();
  const read = { ...readers(code.person_id), code: async () => ({ count: 1, answers: [code] }) };
  for (const name of PARTS) {
    const reader = name === "appeals" && !code.appeals ? undefined : read[name as keyof typeof read];
    if (!reader) {
      set(name, { state: "done", count: 0 });
      continue;
    }
    set(name, { state: "running" });
    try {
      const { count, answers } = await reader();
      parts[name] = answers;
      set(name, { state: "done", count });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      parts[name] = { failed: why };
      failed.push(name);
      set(name, { state: "failed", why });
    }
  }
  return { parts, failed };
}

function readers(person: string) {
  const about = { params: { header: stated(), path: { person_id: person } } };
  const now = () => new Date().toISOString();
  return {
    file: async () => ({ count: 1, answers: [await ask(api.GET("/v1/persons/{person_id}", about))] }),
    records: async () => {
      const answer = await ask(api.GET("/v1/persons/{person_id}/records", about));
      return { count: answer.records.length, answers: [answer] };
    },
    links: async () => {
      const answer = await ask(api.GET("/v1/persons/{person_id}/links", about));
      return { count: answer.links.length, answers: [answer] };
    },
    lineage: async () => {
      const answer = await ask(api.GET("/v1/persons/{person_id}/lineage", about));
      return { count: answer.entries.length, answers: [answer] };
    },
    timeline: async () => {
      const to = now();
      return paged(
        (after?: string) => ask(api.GET("/v1/persons/{person_id}/timeline", { params: { ...about.params, query: { ...EVER, to, limit: 2000, ...(after && { after }) } } })),
        (answer) => answer.facts.length,
      );
    },
    itinerary: async () => {
      const answer = await askMyItinerary(EVER.from, now());
      return { count: answer.items.length, answers: [answer] };
    },
    appeals: async () => {
      const answer = await askAppeals();
      return { count: answer.appeals.length, answers: [answer] };
    },
    contests: async () => {
      const answer = await askContests();
      return { count: answer.contests.length, answers: [answer] };
    },
    looks: async () => paged(askLooks, (answer) => answer.looks.length),
  };
}

async function paged<A extends { next?: N | null }, N>(read: (after?: N) => Promise<A>, size: (answer: A) => number): Promise<{ count: number; answers: A[] }> {
  const answers: A[] = [];
  let next: N | undefined;
  let count = 0;
  do {
    const answer = await read(next);
    answers.push(answer);
    count += size(answer);
    next = answer.next ?? undefined;
  } while (next !== undefined);
  return { count, answers };
}
