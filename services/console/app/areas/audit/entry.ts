/** Reads the bytes of an entry of the ledger: the part of deterministic CBOR (RFC 8949, 4.2.1) that entries use, and nothing else. */

export interface EntryFields {
  time: string;
  actor: string;
  unit: string;
  role: string;
  action: string;
  purpose?: string;
  case?: string;
  subjects: string[];
  released: string[];
  withheld: string[];
  count: number;
  refused?: string;
  act?: string;
  policy: string;
  request: string;
}

type Value = bigint | Uint8Array | string | Value[];

class Unreadable extends Error {}

class Reader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  head(): [number, bigint] {
    const first = this.take(1)[0] ?? 0;
    const info = first & 31;
    if (info < 24) return [first >> 5, BigInt(info)];
    if (info > 27) throw new Unreadable();
    let value = 0n;
    for (const byte of this.take(1 << (info - 24))) value = (value << 8n) | BigInt(byte);
    // Only the shortest form: each value has one encoding.
    if (value < [24n, 0x100n, 0x1_0000n, 0x1_0000_0000n][info - 24]!) throw new Unreadable();
    return [first >> 5, value];
  }

  value(): Value {
    const [major, value] = this.head();
    const length = Number(value);
    if (major === 0) return value;
    if (major === 1) return -1n - value;
    if (major === 2) return this.take(length);
    if (major === 3) return new TextDecoder("utf-8", { fatal: true }).decode(this.take(length));
    if (major !== 4 || length > this.bytes.length) throw new Unreadable();
    return Array.from({ length }, () => this.value());
  }

  private take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw new Unreadable();
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }
}

/** The fields of an entry, or undefined when the bytes are none. */
export function decodeEntry(bytes: Uint8Array): EntryFields | undefined {
  try {
    const reader = new Reader(bytes);
    const [major, pairs] = reader.head();
    if (major !== 5) return undefined;
    const fields = new Map<number, Value>();
    let last = -1n;
    for (let pair = 0n; pair < pairs; pair++) {
      const key = reader.value();
      if (typeof key !== "bigint" || key <= last || key > 19n) return undefined;
      last = key;
      fields.set(Number(key), reader.value());
    }
    if (!reader.isAtEnd || fields.get(0) !== 1n) return undefined;
    const has = (key: number) => fields.has(key);
    return {
      time: new Date(Number(number(fields.get(1)))).toISOString(),
      actor: text(fields.get(4)),
      unit: text(fields.get(5)),
      role: text(fields.get(6)),
      action: text(fields.get(7)),
      purpose: has(8) ? text(fields.get(8)) : undefined,
      case: has(9) ? hex(fields.get(9)) : undefined,
      subjects: list(fields.get(10)).map(hex),
      released: list(fields.get(11)).map(text),
      withheld: list(fields.get(12)).map(text),
      count: Number(number(fields.get(13))),
      refused: has(14) ? text(fields.get(14)) : undefined,
      act: has(19) ? text(fields.get(19)) : undefined,
      policy: hex(fields.get(15)),
      request: hex(fields.get(16)),
    };
  } catch {
    return undefined;
  }
}

function number(value: Value | undefined): bigint {
  if (typeof value !== "bigint") throw new Unreadable();
  return value;
}

function text(value: Value | undefined): string {
  if (typeof value !== "string") throw new Unreadable();
  return value;
}

function list(value: Value | undefined): Value[] {
  if (!Array.isArray(value)) throw new Unreadable();
  return value;
}

function hex(value: Value | undefined): string {
  if (!(value instanceof Uint8Array)) throw new Unreadable();
  return Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
