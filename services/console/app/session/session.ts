/** Who is signed in. The browser holds a cookie that scripts cannot read; this is what the hub tells of it. */
import { useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { api, ask, askRaw, hasSessionEnded, Problem } from "../api/client";
import { PURPOSES, NEEDS_CASE, setTask } from "./task";

/** A role that may be chosen in the demo, and the case that it works on. */
export interface DemoRole {
  name: string;
  case: string | null;
}

export interface Session {
  signed_in: boolean;
  role: string | null;
  handle: string | null;
  organisation: string | null;
  unit: string | null;
  feeds: string[];
  demo: string | null;
  demo_roles: DemoRole[];
  has_provider: boolean;
  /** It was there, and ended without being signed out. */
  ended?: boolean;
}

const KEY = ["session"];

export function useSession() {
  return useQuery<Session>({
    queryKey: KEY,
    queryFn: async ({ client }) => {
      const known = client.getQueryData<Session>(KEY);
      const session = (await (await askRaw("/session")).json()) as Session;
      // Somebody else signed in beside this page: nothing of the one before stays.
      if (known?.signed_in && session.signed_in && whoIs(known) !== whoIs(session)) beginAs(client, session);
      return { ...session, ended: !session.signed_in && Boolean(known?.signed_in || known?.ended) };
    },
    staleTime: 60_000,
    refetchInterval: (query) => (query.state.data?.signed_in ? 300_000 : false),
  });
}

/** What tells one visitor from another. */
export const whoIs = ({ handle, role, feeds }: Session) => [handle, role, ...feeds].join(" ");

/** What was asked before is forgotten. A role with one purpose and no case has nothing to be asked. */
function beginAs(queries: QueryClient, { role }: Session): void {
  queries.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
  const purposes = PURPOSES[role ?? ""] ?? [];
  const only = purposes[0];
  setTask(purposes.length === 1 && only && !NEEDS_CASE.has(role ?? "") ? { purpose: only } : undefined);
}

/** A refusal may mean that somebody else is signed in by now, or nobody. */
export function askWhoItIs(queries: QueryClient, error: unknown): void {
  if (error instanceof Problem && (hasSessionEnded(error) || error.status === 403)) void queries.invalidateQueries({ queryKey: KEY });
}

/** Who is signed in; for pages, which nobody else sees. */
export function useSignedIn(): Session {
  const session = useSession().data;
  if (!session) throw new Error("a page was shown to nobody");
  return session;
}

/** What the hub lets the caller ask and see, for each purpose. */
export function useMe(isAsked = true) {
  return useQuery({ queryKey: [...KEY, "me", whoIs(useSignedIn())], enabled: isAsked, queryFn: () => ask(api.GET("/v1/me")), staleTime: 300_000 });
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (how: { demo: string } | { token: string }) => {
      const body = JSON.stringify(how);
      const headers = { "Content-Type": "application/json" };
      return (await (await askRaw("/session", { method: "POST", body, headers })).json()) as Session;
    },
    onSuccess: async (session) => {
      // What was asked before the sign-in may be answered after it, and nobody was signed in then.
      await queries.cancelQueries({ queryKey: KEY });
      beginAs(queries, session);
      queries.setQueryData(KEY, session);
    },
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (where: "here" | "everywhere") => askRaw(where === "here" ? "/session" : "/session/everywhere", { method: "DELETE" }),
    onSettled: async () => {
      // First the pages go: none may ask anything anew, or lead to a page of its own, on the way out.
      queries.setQueryData<Session>(KEY, (known) => known && { ...known, signed_in: false, role: null, handle: null, feeds: [], demo: null });
      await new Promise((shown) => setTimeout(shown));
      setTask(undefined);
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
      void queries.invalidateQueries({ queryKey: KEY });
    },
  });
}
