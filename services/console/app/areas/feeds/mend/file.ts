/**
 * The file of failed rows: cut into rows and cells, changed where somebody changes something, and put together again. What nobody
 * touches stays as it came, byte for byte, also where it is no text of its encoding.
 */
import type { Form } from "../model";
import { canWrite, encode } from "./encode";

const MARK = "isthmus-mends:";
const MARK_COLUMN = "isthmus_error";

export interface Cell {
  raw: Uint8Array;
  text: string;
  /** Of a member of an object: its value is a text, so that another one is, too. */
  isText?: boolean;
}

/** An object cut at its values. */
interface Cut {
  names: string[];
  /** What stands before, between and behind the values that are there. Names beyond them are of members that only other rows have. */
  gaps: Uint8Array[];
}

export interface Row {
  /** Row of the batch that failed; unknown when its form had no room for a mark. */
  number: number | undefined;
  /** One cell when the row cannot be cut like the others, or has no columns. */
  cells: Cell[];
  /** Whether the cells are those of the header, or of the members of an object. */
  isCut: boolean;
  object?: Cut;
  /** What stands before and behind the cells: the mark, and the end of the line. */
  before: Uint8Array;
  after: Uint8Array;
}

export interface FailedFile {
  head: Uint8Array;
  columns: string[];
  rows: Row[];
  form: Form;
}

/** Forms whose rows are lines; of the others the file is downloaded and mended where it was made. */
export function canMendHere(form: Form): boolean {
  return (form.kind === "delimited" || form.kind === "ndjson") && canWrite(form.encoding);
}

export function readFile(buffer: ArrayBuffer, form: Form): FailedFile {
  const bytes = new Uint8Array(buffer);
  const lines = linesOf(bytes);
  const isDelimited = form.kind === "delimited";
  const heads = isDelimited ? headLines(lines, form) : 0;
  const headEnd = heads > 0 ? (lines[heads - 1]?.end ?? 0) : bytes[0] === 0xef && bytes[1] === 0xbb ? 3 : 0;
  const headerLine = isDelimited && form.header ? lines[heads - 1] : undefined;
  const columns = headerLine ? split(withoutByteOrderMark(bytes.subarray(headerLine.start, headerLine.text)), form).map((cell) => cell.text.trim()) : [];
  if (columns.at(-1) === MARK_COLUMN) columns.pop();
  const rows: Row[] = [];
  let start = headEnd;
  // A value may hold the end of a line: a row goes on to its mark. Rows without a mark are one line each.
  const isMarked = latin(bytes.subarray(headEnd)).includes(MARK);
  for (const line of lines.slice(heads)) {
    const hasMark = latin(bytes.subarray(Math.max(start, line.start), line.text)).includes(MARK);
    if (isDelimited && isMarked && !hasMark) continue;
    const from = Math.max(start, isDelimited && isMarked ? start : line.start);
    if (line.text > from) rows.push(isDelimited ? delimited(bytes, from, line, columns, form) : object(bytes, from, line, form));
    start = line.end;
  }
  if (!isDelimited) addMissing(rows);
  return { head: bytes.slice(0, headEnd), columns, rows, form };
}

interface Line {
  start: number;
  /** Where its text ends. */
  text: number;
  /** Where the next one begins. */
  end: number;
}

function linesOf(bytes: Uint8Array): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed + 1;
    let text = feed < 0 ? end : feed;
    if (text > start && bytes[text - 1] === 0x0d) text--;
    lines.push({ start, text, end });
    start = end;
  }
  return lines;
}

function headLines(lines: Line[], form: Form): number {
  return Math.min(lines.length, form.preambleLines + (form.header ? 1 : 0));
}

function delimited(bytes: Uint8Array, from: number, line: Line, columns: string[], form: Form): Row {
  const mark = from + latin(bytes.subarray(from, line.text)).lastIndexOf(MARK);
  const hasMark = mark >= from;
  // The mark is a cell of its own behind a separator.
  const end = hasMark ? Math.max(from, mark - 1) : line.text;
  const content = bytes.slice(from, end);
  const cells = split(content, form);
  const isCut = columns.length > 0 && cells.length === columns.length;
  const whole = { raw: content, text: decode(content, form) };
  return { number: hasMark ? numberIn(bytes.subarray(mark, line.text)) : undefined, cells: isCut ? cells : [whole], isCut, before: new Uint8Array(), after: bytes.slice(end, line.end) };
}

/** The mark of an object is its first member; it goes back to its place behind the bracket. */
function object(bytes: Uint8Array, from: number, line: Line, form: Form): Row {
  const text = latin(bytes.subarray(from, line.text));
  const found = /^\s*\{("isthmus_error":"[^"]*",?)/.exec(text);
  const open = text.indexOf("{");
  const member = found?.[1]?.length ?? 0;
  const content = found ? concat([bytes.subarray(from, from + open + 1), bytes.subarray(from + open + 1 + member, line.text)]) : bytes.slice(from, line.text);
  // Whether a comma follows depends on what is left of the object.
  const before = found ? bytes.slice(from + open + 1, from + open + 1 + (found[1]?.replace(/,$/, "").length ?? 0)) : new Uint8Array();
  const cut = members(content, form);
  const cells = cut?.cells ?? [{ raw: content, text: decode(content, form) }];
  return { number: found ? numberIn(before) : undefined, cells, isCut: cut !== undefined, object: cut, before, after: bytes.slice(line.text, line.end) };
}

/** The members of an object with a value each; of a line that is none, or would not come back byte for byte, nothing. */
function members(line: Uint8Array, form: Form): (Cut & { cells: Cell[] }) | undefined {
  try {
    const text = new TextDecoder(form.encoding.toLowerCase(), { ignoreBOM: true, fatal: true }).decode(line);
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const cut = cutMembers(text, form);
    return cut && isSame(objectBytes(cut, cut.cells, undefined, form), line) ? cut : undefined;
  } catch {
    return undefined;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

function cutMembers(text: string, form: Form): (Cut & { cells: Cell[] }) | undefined {
  const names: string[] = [];
  const cells: Cell[] = [];
  const gaps: Uint8Array[] = [];
  const member = /[\s,{]*("(?:[^"\\]|\\.)*")\s*:\s*/y;
  let at = 0;
  for (let found = member.exec(text); found; found = member.exec(text)) {
    const start = member.lastIndex;
    const end = endOfValue(text, start);
    const raw = text.slice(start, end);
    const isText = raw.startsWith('"');
    gaps.push(encode(text.slice(at, start), form.encoding));
    names.push(JSON.parse(found[1] ?? '""') as string);
    cells.push({ raw: encode(raw, form.encoding), text: isText ? (JSON.parse(raw) as string) : raw, isText });
    at = member.lastIndex = end;
  }
  if (cells.length === 0) return undefined;
  gaps.push(encode(text.slice(at), form.encoding));
  return { names, cells, gaps };
}

/** Where a value of a well-formed object ends. */
function endOfValue(text: string, start: number): number {
  const token = /"(?:[^"\\]|\\.)*"|[[{]|[\]}]|[^"[\]{},]+|,/y;
  token.lastIndex = start;
  let depth = 0;
  for (let found = token.exec(text); found; found = token.exec(text)) {
    const first = found[0][0] ?? "";
    if (depth === 0 && (first === "," || first === "}")) return found.index;
    if (first === "{" || first === "[") depth++;
    if (first === "}" || first === "]") depth--;
    if (depth === 0) return found.index + found[0].trimEnd().length;
  }
  return text.length;
}

/** A member that a row lacks and others have can be given to it. What is a text in some row is one in all that have nothing there. */
function addMissing(rows: Row[]): void {
  const all = new Map<string, boolean>();
  for (const { object, cells } of rows) object?.names.forEach((name, at) => all.set(name, all.get(name) === true || cells[at]?.isText === true));
  for (const { object, cells } of rows) {
    object?.names.forEach((name, at) => {
      const cell = cells[at];
      if (cell?.text === "null" && !cell.isText) cell.isText = all.get(name);
    });
    for (const [name, isText] of all) {
      if (!object || object.names.includes(name)) continue;
      object.names.push(name);
      cells.push({ raw: new Uint8Array(), text: "", isText });
    }
  }
}

/** A value as it was written: what was a text stays one, anything else is taken as it stands if that is a value. */
function valueOf(text: string, isText: boolean | undefined): string {
  if (!isText) {
    try {
      JSON.parse(text);
      return text;
    } catch {
      // It is a text now.
    }
  }
  return JSON.stringify(text);
}

function objectBytes({ names, gaps }: Cut, cells: Cell[], changes: ReadonlyMap<number, string> | undefined, form: Form): Uint8Array {
  const parts = cells.flatMap((cell, at) => {
    const text = changes?.get(at);
    const value = text === undefined ? cell.raw : encode(valueOf(text, cell.isText), form.encoding);
    if (at < gaps.length - 1) return [gaps[at] ?? new Uint8Array(), value];
    return text === undefined ? [] : [encode(`,${JSON.stringify(names[at])}:`, form.encoding), value];
  });
  return concat([...parts, gaps.at(-1) ?? new Uint8Array()]);
}

function numberIn(mark: Uint8Array): number | undefined {
  const found = new RegExp(`${MARK}[0-9a-f-]{36}/(\\d+)`).exec(latin(mark));
  return found ? Number(found[1]) : undefined;
}

/** Cells of a line; the bytes of one character are never taken for a separator. */
function split(line: Uint8Array, form: Form): Cell[] {
  const separator = form.separator.charCodeAt(0);
  const quote = form.quote?.charCodeAt(0);
  const wide = /^(gb|big5)/i.test(form.encoding);
  const cells: Cell[] = [];
  let start = 0;
  let quoted = false;
  const cell = (end: number) => {
    const raw = line.slice(start, end);
    const text = decode(raw, form);
    const mark = form.quote;
    const isQuoted = mark && text.length >= 2 && text.startsWith(mark) && text.endsWith(mark);
    cells.push({ raw, text: isQuoted ? text.slice(1, -1).replaceAll(mark + mark, mark) : text });
  };
  for (let at = 0; at < line.length; at++) {
    const byte = line[at] ?? 0;
    if (wide && byte >= 0x81 && byte <= 0xfe) {
      const second = line[at + 1] ?? 0;
      at += /^gb/i.test(form.encoding) && second >= 0x30 && second <= 0x39 ? 3 : second >= 0x40 ? 1 : 0;
    } else if (byte === quote && (quoted || at === start)) quoted = !quoted;
    else if (byte === quote && line[at - 1] === quote) quoted = !quoted;
    else if (byte === separator && !quoted) {
      cell(at);
      start = at + 1;
    }
  }
  cell(line.length);
  return cells;
}

/** What somebody wrote, by row and cell. */
export type Changes = ReadonlyMap<number, ReadonlyMap<number, string>>;

/**
 * The changed rows as a file of the original form. Rows without a mark are only told apart by their order, so if one of them is
 * changed, all of them go along.
 *
 * Throws a `RangeError` with the character that the encoding does not have.
 */
export function writeFile(file: FailedFile, changes: Changes): { blob: Blob; sent: number[] } {
  const isChanged = (at: number) => (changes.get(at)?.size ?? 0) > 0;
  const changesUnmarked = file.rows.some((row, at) => row.number === undefined && isChanged(at));
  const sent = file.rows.flatMap((row, at) => (isChanged(at) || (changesUnmarked && row.number === undefined) ? [at] : []));
  const parts = [file.head];
  for (const at of sent) {
    const row = file.rows[at];
    if (row) parts.push(rowBytes(row, changes.get(at), file.form));
  }
  return { blob: new Blob([concat(parts)], { type: "application/octet-stream" }), sent };
}

function rowBytes(row: Row, changes: ReadonlyMap<number, string> | undefined, form: Form): Uint8Array {
  const after = row.after.length > 0 ? row.after : Uint8Array.of(0x0a);
  if (row.object) return withMark(objectBytes(row.object, row.cells, changes, form), row.before, after);
  const cells = row.cells.map((cell, at) => {
    const text = changes?.get(at);
    if (text === undefined) return cell.raw;
    return encode(row.isCut ? quoted(text, form) : text, form.encoding);
  });
  if (form.kind === "delimited") {
    const separator = encode(form.separator, form.encoding);
    return concat([...cells.flatMap((cell, at) => (at > 0 ? [separator, cell] : [cell])), after]);
  }
  return withMark(cells[0] ?? new Uint8Array(), row.before, after);
}

/** The line of an object, its mark back behind the bracket. */
function withMark(text: Uint8Array, mark: Uint8Array, after: Uint8Array): Uint8Array {
  const open = text.indexOf(0x7b);
  if (open < 0) return concat([text, after]);
  const rest = text.subarray(open + 1);
  const comma = mark.length > 0 && !latin(rest).trimStart().startsWith("}") ? [0x2c] : [];
  return concat([text.subarray(0, open + 1), mark, Uint8Array.from(comma), rest, after]);
}

function quoted(text: string, { separator, quote }: Form): string {
  if (!quote || !(text.includes(separator) || text.includes(quote) || /[\r\n]/.test(text))) return text;
  return quote + text.replaceAll(quote, quote + quote) + quote;
}

/** The first rows of a file that was chosen, for a look before it goes anywhere. */
export async function firstRows(file: Blob, form: Form, count: number): Promise<string[][]> {
  const bytes = new Uint8Array(await file.slice(0, 64 << 10).arrayBuffer());
  // What is packed says nothing in its first bytes.
  if ((bytes[0] === 0x50 && bytes[1] === 0x4b) || (bytes[0] === 0x1f && bytes[1] === 0x8b) || bytes[0] === 0x28) return [];
  const lines = linesOf(bytes).slice(form.kind === "delimited" ? form.preambleLines : 0, form.preambleLines + count);
  const texts = lines.map((line) => withoutByteOrderMark(bytes.subarray(line.start, line.text)));
  return texts.map((line) => (form.kind === "delimited" ? split(line, form).map((cell) => cell.text) : [decode(line, form)]));
}

function withoutByteOrderMark(line: Uint8Array): Uint8Array {
  return line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? line.subarray(3) : line;
}

function decode(bytes: Uint8Array, form: Form): string {
  return new TextDecoder(form.encoding.toLowerCase(), { ignoreBOM: true }).decode(bytes);
}

function latin(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

function concat(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
