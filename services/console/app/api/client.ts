/** The API of the hub, with the types of its OpenAPI document. The token is not here: the session's cookie stands for it. */
import createClient, { type Middleware } from "openapi-fetch";
import { currentTask } from "../session/task";
import type { paths } from "./schema";

/** A refusal or a failure, as the hub explains it. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly detailZh?: string,
  ) {
    super(title);
  }

  static of(status: number, body: unknown): Problem {
    const document = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
    const text = (name: string) => (typeof document[name] === "string" ? (document[name] as string) : "");
    return new Problem(status, text("code") || "unknown", text("title"), text("detail"), text("detail_zh") || undefined);
  }
}

/** Nobody is signed in any more: asking again does not help, signing in does. */
export const hasSessionEnded = (error: unknown) => error instanceof Problem && error.status === 401 && error.code === "token-invalid";

/** What emergency grants open; once invoked, a grant is all that counts, so that other questions go without it. */
const UNDER_GRANT = /^\/v1\/persons\/(find|[^/?]+(\/(records|timeline|itinerary|contacts|health-code))?)(\?|$)/;

/** Headers that every call of the console has; a form or a link of another site cannot send them. */
export function callHeaders(path: string): Record<string, string> {
  const task = currentTask();
  const headers: Record<string, string> = { "Isthmus-Console": "1" };
  if (task?.purpose) headers["Isthmus-Purpose"] = task.purpose;
  if (task?.caseReference) headers["Isthmus-Case"] = task.caseReference;
  if (task?.grant && UNDER_GRANT.test(path)) headers["Isthmus-Grant"] = task.grant;
  return headers;
}

const withHeaders: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(callHeaders(new URL(request.url).pathname))) {
      if (!request.headers.has(name)) request.headers.set(name, value);
    }
    return request;
  },
};

export const api = createClient<paths>({ baseUrl: "" });
api.use(withHeaders);

/** The answer, or the problem as an exception: `await ask(api.GET("/v1/townships"))`. */
export async function ask<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw Problem.of(response.status, error);
  return data as T;
}

/** A call beside the document: downloads, other forms of an answer, bodies that are files. */
export async function askRaw(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  for (const [name, value] of Object.entries(callHeaders(path))) if (!headers.has(name)) headers.set(name, value);
  const response = await fetch(path, { ...init, headers });
  if (!response.ok) throw Problem.of(response.status, await response.json().catch(() => null));
  return response;
}

/** A JSON answer of a call whose types are written down where they are used; with a body it is a POST. */
export async function askJson<T>(path: string, body?: object): Promise<T> {
  const init = body && { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  return (await (await askRaw(path, init)).json()) as T;
}

/** Lets the browser keep an answer as a file. */
export async function download(path: string, name: string, init: RequestInit = {}): Promise<void> {
  const blob = await (await askRaw(path, init)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
