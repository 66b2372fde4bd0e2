/** Files on their way to the hub, with their progress: at once, or in pieces that go on where a broken connection stopped. */
import { callHeaders, Problem } from "../../api/client";
import type { DryRun, Receipt } from "./model";

/** Larger files go in pieces. */
const WHOLE_MAX = 64 << 20;
const PIECE = 8 << 20;
const TRIES = 5;
const TUS = { "Tus-Resumable": "1.0.0" };

interface Sending {
  progress: (sent: number, total: number) => void;
  signal: AbortSignal;
}

interface Answer {
  status: number;
  body: unknown;
  header: (name: string) => string | null;
}

/** Says what pushing a file would do. */
export async function tryFile(feed: string, file: Blob, mends: string | undefined, sending: Sending): Promise<DryRun> {
  const answer = await send("POST", `/v1/feeds/${feed}/batches${query({ dry_run: "true", mends })}`, file, {}, sending);
  return answer.body as DryRun;
}

/** Pushes a file; the answer is its receipt, while it is still being read. */
export async function pushFile(feed: string, file: Blob, mends: string | undefined, sending: Sending): Promise<Receipt> {
  if (file.size > WHOLE_MAX) return pushInPieces(feed, file, mends, sending);
  const answer = await send("POST", `/v1/feeds/${feed}/batches${query({ mends })}`, file, { Prefer: "respond-async" }, sending);
  return answer.body as Receipt;
}

async function pushInPieces(feed: string, file: Blob, mends: string | undefined, sending: Sending): Promise<Receipt> {
  const begun = await send("POST", `/v1/feeds/${feed}/uploads${query({ mends })}`, null, { ...TUS, "Upload-Length": String(file.size) }, sending);
  const place = begun.header("Location");
  if (!place) throw new Problem(begun.status, "upload-unknown", "", "");
  let offset = 0;
  let failures = 0;
  for (;;) {
    const from = offset;
    const part: Sending = { signal: sending.signal, progress: (sent) => sending.progress(from + sent, file.size) };
    try {
      const headers = { ...TUS, "Upload-Offset": String(from), "Content-Type": "application/offset+octet-stream" };
      const answer = await send("PATCH", place, file.slice(from, from + PIECE), headers, part);
      const receipt = answer.header("Content-Location");
      if (receipt) return (await send("GET", receipt, null, {}, part)).body as Receipt;
      offset = Number(answer.header("Upload-Offset"));
      failures = 0;
    } catch (error) {
      const isFinal = error instanceof Problem && error.status < 500 && error.status !== 409;
      if (sending.signal.aborted || isFinal || ++failures > TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1_000 * 2 ** failures));
      const state = await send("HEAD", place, null, TUS, part).catch(() => undefined);
      offset = state ? Number(state.header("Upload-Offset")) : from;
    }
  }
}

function query(members: Record<string, string | undefined>): string {
  const stated = Object.entries(members).filter((member): member is [string, string] => member[1] !== undefined);
  return stated.length > 0 ? `?${new URLSearchParams(stated).toString()}` : "";
}

/** `fetch` does not tell how much of a body has left. */
function send(method: string, path: string, body: Blob | null, headers: Record<string, string>, { progress, signal }: Sending): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    for (const [name, value] of Object.entries({ "Content-Type": "application/octet-stream", ...callHeaders(path), ...headers })) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progress(event.loaded, event.total);
    request.onload = () => {
      const answer = readJson(request.responseText);
      if (request.status >= 200 && request.status < 300) resolve({ status: request.status, body: answer, header: (name) => request.getResponseHeader(name) });
      else reject(Problem.of(request.status, answer));
    };
    request.onerror = () => reject(new Error("the connection broke"));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
