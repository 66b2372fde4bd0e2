/**
 * Verifies a receipt from the proof alone: the hash of the entry (RFC 6962), the way from it to the root, and the signature under
 * the head (a C2SP signed note, Ed25519). Nothing here asks a server. What the hub's own verifier refuses is refused here, too.
 */
import { decodeEntry, type EntryFields } from "./entry";

/** What is verified: an entry's place, the way to the root, and the signed head. */
export interface Proof {
  form: "answer" | "tlog-proof";
  index: number;
  path: Uint8Array[];
  checkpoint: string;
  /** What the receipt of an answer states about the entry; a tlog-proof leaves it to whoever has the entry. */
  leafHash?: Uint8Array;
  id?: string;
}

export type StepName = "form" | "leaf" | "path" | "root" | "key" | "signature" | "witnesses" | "entry";
export type StepState = "ok" | "failed" | "open";

export interface Step {
  name: StepName;
  state: StepState;
  /** Why it failed or stays open, as a key of the texts. */
  why?: string;
  /** What was compared or computed: key of the texts, value. */
  values: [string, string][];
}

export interface Outcome {
  verdict: "verified" | "failed" | "open";
  /** The first step that failed, or stays open. */
  at?: StepName;
  steps: Step[];
  entry?: EntryFields;
}

class Malformed extends Error {}

const TLOG_PROOF = "c2sp.org/tlog-proof@v1";
const utf8 = new TextEncoder();

/** Exactly one spelling per value: a flipped bit that decodes to the same bytes is refused, too. */
export function fromBase64(text: string): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return toBase64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

async function sha256(...parts: Uint8Array[]): Promise<Uint8Array> {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
}

function hash(text: unknown): Uint8Array {
  const bytes = typeof text === "string" ? fromBase64(text) : undefined;
  if (bytes?.length !== 32) throw new Malformed("hash");
  return bytes;
}

function place(text: string): number {
  const number = Number(text);
  if (!/^(0|[1-9][0-9]*)$/.test(text) || !Number.isSafeInteger(number)) throw new Malformed("index");
  return number;
}

/** Reads an answer with a receipt, a receipt, or a `.tlog-proof`; undefined when the text is none of them. */
export function readProof(text: string): Proof | undefined {
  try {
    return text.startsWith(TLOG_PROOF) ? readTlogProof(text) : readAnswer(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function readTlogProof(text: string): Proof {
  const split = text.indexOf("\n\n");
  if (split < 0) throw new Malformed("note");
  const [first, ...lines] = text.slice(0, split).split("\n");
  if (first !== TLOG_PROOF) throw new Malformed("form");
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = lines.shift();
  if (!index?.startsWith("index ")) throw new Malformed("index");
  return { form: "tlog-proof", index: place(index.slice(6)), path: lines.map(hash), checkpoint: text.slice(split + 2) };
}

function readAnswer(document: unknown): Proof {
  const outer = members(document);
  const receipt = outer.receipt === undefined ? outer : members(outer.receipt);
  const { index, leaf_hash, proof, checkpoint, id } = receipt;
  if (!Array.isArray(proof) || typeof checkpoint !== "string") throw new Malformed("receipt");
  return {
    form: "answer",
    index: place(String(index)),
    leafHash: hash(leaf_hash),
    path: proof.map(hash),
    checkpoint,
    id: typeof id === "string" ? id : undefined,
  };
}

function members(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw new Malformed("object");
  return value as Record<string, unknown>;
}

/** A named public key: `name+id+base64(kind || key)`. Kind 1 is a log's, kind 4 a witness's. */
interface NamedKey {
  name: string;
  id: Uint8Array;
  kind: number;
  key: Uint8Array;
}

async function readKey(text: string): Promise<NamedKey | undefined> {
  const first = text.indexOf("+");
  const second = text.indexOf("+", first + 1);
  if (first < 1 || second < 0) return undefined;
  const name = text.slice(0, first);
  const bytes = fromBase64(text.slice(second + 1));
  const kind = bytes?.[0];
  if (!bytes || bytes.length !== 33 || kind === undefined || /[\s\p{Cc}]/u.test(name)) return undefined;
  const id = (await sha256(utf8.encode(name), Uint8Array.of(10, kind), bytes.slice(1))).slice(0, 4);
  return text.slice(first + 1, second) === toHex(id) ? { name, id, kind, key: bytes.slice(1) } : undefined;
}

interface Signature {
  name: string;
  id: Uint8Array;
  bytes: Uint8Array;
}

export interface Head {
  /** What is signed. */
  text: string;
  origin: string;
  size: number;
  root: Uint8Array;
  signatures: Signature[];
}

/** Reads a signed head without verifying it. */
export function readHead(note: string): Head | undefined {
  try {
    const split = note.lastIndexOf("\n\n");
    if (split < 0 || !note.endsWith("\n") || /[\u0000-\u0009\u000b-\u001f]/.test(note)) return undefined;
    const text = note.slice(0, split + 1);
    const lines = note.slice(split + 2, -1).split("\n");
    const [origin, size, root, end, ...more] = text.split("\n");
    if (!origin || size === undefined || end !== "" || more.length > 0 || lines.length > 64) return undefined;
    return { text, origin, size: place(size), root: hash(root), signatures: lines.map(readSignature) };
  } catch {
    return undefined;
  }
}

function readSignature(line: string): Signature {
  const [dash, name, encoded, ...more] = line.split(" ");
  const bytes = fromBase64(encoded ?? "");
  if (dash !== "—" || !name || name.includes("+") || more.length > 0 || !bytes || bytes.length < 5) throw new Malformed("signature");
  return { name, id: bytes.slice(0, 4), bytes: bytes.slice(4) };
}

async function signed(key: NamedKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (signature.length !== 64) return false;
  const imported = await crypto.subtle.importKey("raw", Uint8Array.from(key.key), "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, Uint8Array.from(signature), Uint8Array.from(message));
}

/** The root that the way leads to (RFC 9162, section 2.1.3.2); undefined when the way has not the length that it must have. */
export async function rootOf(leaf: Uint8Array, index: number, size: number, path: Uint8Array[]): Promise<Uint8Array | undefined> {
  if (index >= size) return undefined;
  let node = BigInt(index);
  let last = BigInt(size - 1);
  let root = leaf;
  for (const sibling of path) {
    if (last === 0n) return undefined;
    if (node % 2n === 1n || node === last) {
      root = await sha256(Uint8Array.of(1), sibling, root);
      while (node % 2n === 0n && node !== 0n) {
        node /= 2n;
        last /= 2n;
      }
    } else {
      root = await sha256(Uint8Array.of(1), root, sibling);
    }
    node /= 2n;
    last /= 2n;
  }
  return last === 0n ? root : undefined;
}

/** Whether this browser can compute here at all: only over TLS, or on the own machine. */
export function canVerify(): boolean {
  return globalThis.crypto?.subtle !== undefined;
}

/** Verifies a receipt. `keys` has the log's verifier key and may have those of witnesses, one a line. */
export async function verify(text: string, entry: Uint8Array | undefined, keys: string): Promise<Outcome> {
  const steps: Step[] = [];
  const add = (name: StepName, state: StepState, values: [string, string][] = [], why?: string) => steps.push({ name, state, values, why });
  const done = (fields?: EntryFields): Outcome => {
    const failed = steps.find((step) => step.state === "failed");
    const open = steps.find((step) => step.state === "open" && step.name !== "witnesses" && step.name !== "entry");
    return { verdict: failed ? "failed" : open ? "open" : "verified", at: (failed ?? open)?.name, steps, entry: fields };
  };

  const proof = readProof(text);
  const head = proof && readHead(proof.checkpoint);
  if (!proof || !head) {
    add("form", "failed", [], proof ? "headMalformed" : "receiptMalformed");
    return done();
  }
  add("form", "ok", [["kind", proof.form], ["index", String(proof.index)], ["origin", head.origin], ["size", String(head.size)]]);

  const leaf = await leafStep(proof, entry, add);
  if (!leaf) return done();

  const root = await rootOf(leaf, proof.index, head.size, proof.path);
  add("path", root ? "ok" : "failed", [["hashes", String(proof.path.length)], ...(root ? [["computed", toBase64(root)] as [string, string]] : [])], root ? undefined : "pathLength");
  if (root) add("root", same(root, head.root) ? "ok" : "failed", [["stated", toBase64(head.root)], ["computed", toBase64(root)]], same(root, head.root) ? undefined : "rootDiffers");

  await signatureSteps(head, keys, add);

  const fields = entry && decodeEntry(entry);
  if (entry) add("entry", fields ? "ok" : "failed", [["bytes", String(entry.length)]], fields ? undefined : "entryMalformed");
  return done(fields);
}

type Add = (name: StepName, state: StepState, values?: [string, string][], why?: string) => void;

async function leafStep(proof: Proof, entry: Uint8Array | undefined, add: Add): Promise<Uint8Array | undefined> {
  const computed = entry && (await sha256(Uint8Array.of(0), entry));
  const leaf = computed ?? proof.leafHash;
  const values: [string, string][] = [];
  if (proof.leafHash) values.push(["stated", toBase64(proof.leafHash)]);
  if (computed) values.push(["computed", toBase64(computed)]);
  if (!leaf) {
    add("leaf", "open", values, "entryMissing");
    return undefined;
  }
  const id = `${proof.index}-${toHex(leaf.slice(0, 8))}`;
  if (proof.id) values.push(["id", proof.id]);
  if (computed && proof.leafHash && !same(computed, proof.leafHash)) add("leaf", "failed", values, "leafDiffers");
  else if (proof.id && proof.id !== id) add("leaf", "failed", values, "idDiffers");
  else add("leaf", "ok", values, computed ? undefined : "leafStated");
  return leaf;
}

async function signatureSteps(head: Head, keys: string, add: Add): Promise<void> {
  const lines = keys.split("\n").map((line) => line.trim()).filter(Boolean);
  const read = await Promise.all(lines.map(readKey));
  const logs = read.filter((key) => key?.kind === 1);
  const log = logs[0];
  const shown = lines.map((line): [string, string] => ["verifierKey", line]);
  if (lines.length === 0) add("key", "open", [], "keyMissing");
  else if (read.includes(undefined)) add("key", "failed", shown, "keyMalformed");
  else if (!log || logs.length > 1) add("key", "failed", shown, "keyNotOne");
  else if (log.name !== head.origin) add("key", "failed", [...shown, ["origin", head.origin]], "originDiffers");
  else add("key", "ok", [...shown, ["keyId", toHex(log.id)]]);

  if (log) {
    const own = head.signatures.filter((signature) => signature.name === log.name && same(signature.id, log.id));
    const good = await Promise.all(own.map((signature) => signed(log, utf8.encode(head.text), signature.bytes)));
    const values = own.map((signature): [string, string] => ["signature", toBase64(signature.bytes)]);
    if (own.length === 0) add("signature", "failed", [["keyId", toHex(log.id)]], "notSigned");
    else add("signature", good.every(Boolean) ? "ok" : "failed", values, good.every(Boolean) ? undefined : "signatureWrong");
  }
  const others = head.signatures.filter((signature) => !(log && signature.name === log.name && same(signature.id, log.id)));
  const witnesses = read.filter((key) => key?.kind === 4);
  if (log && others.length > 0) await witnessStep(head, others, witnesses, add);
}

/** Cosignatures are a time and a signature over it and the head. One whose key is not known says nothing. */
async function witnessStep(head: Head, others: Signature[], keys: (NamedKey | undefined)[], add: Add): Promise<void> {
  const values: [string, string][] = [];
  let state: StepState = "ok";
  for (const { name, id, bytes } of others) {
    const key = keys.find((known) => known && known.name === name && same(known.id, id));
    if (!key) {
      values.push(["witnessUnknown", `${name} (${toHex(id)})`]);
      if (state === "ok") state = "open";
      continue;
    }
    const seconds = bytes.length === 72 ? Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)) : 0;
    const good = await signed(key, utf8.encode(`cosignature/v1\ntime ${seconds}\n${head.text}`), bytes.slice(8));
    values.push([good ? "witness" : "witnessWrong", `${name} · ${new Date(seconds * 1000).toISOString()}`]);
    if (!good) state = "failed";
  }
  add("witnesses", state, values, state === "failed" ? "witnessWrong" : state === "open" ? "witnessUnknown" : undefined);
}
