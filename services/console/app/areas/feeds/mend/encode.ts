/** Text in the encoding of a feed. Browsers read all of them and write only UTF-8, so the others are read backwards once. */

const made = new Map<string, Map<string, Uint8Array>>();
const utf8 = new TextEncoder();

export function canWrite(encoding: string): boolean {
  return ["utf-8", "gb18030", "big5", "windows-1252"].includes(encoding.toLowerCase());
}

/** The bytes of a text; a character that the encoding does not have is an error. */
export function encode(text: string, encoding: string): Uint8Array {
  const name = encoding.toLowerCase();
  if (name === "utf-8") return utf8.encode(text);
  const table = tableOf(name);
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (name === "gb18030" && code > 0xffff) bytes.push(...beyond(code));
    else {
      const found = table.get(character);
      if (!found) throw new RangeError(character);
      bytes.push(...found);
    }
  }
  return Uint8Array.from(bytes);
}

function tableOf(name: string): Map<string, Uint8Array> {
  const known = made.get(name);
  if (known) return known;
  const decoder = new TextDecoder(name);
  const table = new Map<string, Uint8Array>();
  const add = (sequences: number[][]) => {
    // A line each, so that a sequence that means nothing cannot swallow its neighbour.
    const bytes = Uint8Array.from(sequences.flatMap((sequence) => [...sequence, 0x0a]));
    decoder
      .decode(bytes)
      .split("\n")
      .forEach((character, at) => {
        const sequence = sequences[at];
        if (sequence && [...character].length === 1 && character !== "\ufffd" && !table.has(character)) table.set(character, Uint8Array.from(sequence));
      });
  };
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
  if (name === "windows-1252") {
    add(range(0x80, 0xff).map((byte) => [byte]));
  } else {
    const trails = [...range(0x40, 0x7e), ...range(0x80, 0xfe)];
    add(range(0x81, 0xfe).flatMap((lead) => trails.map((trail) => [lead, trail])));
  }
  if (name === "gb18030") {
    for (const first of range(0x81, 0x84)) {
      add(range(0x30, 0x39).flatMap((second) => range(0x81, 0xfe).flatMap((third) => range(0x30, 0x39).map((fourth) => [first, second, third, fourth]))));
    }
  }
  made.set(name, table);
  return table;
}

/** Characters beyond the first plane have four bytes, in their order. */
function beyond(code: number): number[] {
  let place = code - 0x10000;
  const fourth = 0x30 + (place % 10);
  place = Math.floor(place / 10);
  const third = 0x81 + (place % 126);
  place = Math.floor(place / 126);
  return [0x90 + Math.floor(place / 10), 0x30 + (place % 10), third, fourth];
}
