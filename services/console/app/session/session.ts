/** Who is signed in. The browser holds a cookie that scripts cannot read; this is what the hub tells of it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { askRaw } from "../api/client";
import { PURPOSES, NEEDS_CASE, setTask } from "./task";

export interface Session {
  signed_in: boolean;
  role: string | null;
  handle: string | null;
  organisation: string | null;
  unit: string | null;
  feeds: string[];
  demo: string | null;
  demo_roles: string[];
  has_provider: boolean;
}

const KEY = ["session"];

export function useSession() {
  return useQuery<Session>({
    queryKey: KEY,
    queryFn: async () => (await askRaw("/session")).json(),
    staleTime: 60_000,
    refetchInterval: (query) => (query.state.data?.signed_in ? 300_000 : false),
  });
}

/** Who is signed in; for pages, which nobody else sees. */
export function useSignedIn(): Session {
  const session = useSession().data;
  if (!session) throw new Error("a page was shown to nobody");
  return session;
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (how: { demo: string } | { token: string }) => {
      const body = JSON.stringify(how);
      const headers = { "Content-Type": "application/json" };
      return (await (await askRaw("/session", { method: "POST", body, headers })).json()) as Session;
    },
    onSuccess: (session) => {
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
      queries.setQueryData(KEY, session);
      // A role with one purpose and no case has nothing to be asked.
      const purposes = PURPOSES[session.role ?? ""] ?? [];
      const only = purposes[0];
      setTask(purposes.length === 1 && only && !NEEDS_CASE.has(session.role ?? "") ? { purpose: only } : undefined);
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
