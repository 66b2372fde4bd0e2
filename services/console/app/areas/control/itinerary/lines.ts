/** An itinerary as lines: each item with its lane, its place and what speaks against it. */
import type { Contradiction, Item, Itinerary, Place } from "../model";

export const LANES = ["stay", "trip", "encounter", "test", "payment", "gate"] as const;
export type Lane = (typeof LANES)[number];

export interface Line {
  index: number;
  item: Item;
  from: number;
  to: number;
  /** Gaps are drawn where stays would be. */
  lane: Lane;
  /** What the place is known by, of a trip the way. */
  place?: string;
  /** Other lines that cannot be true together with it. */
  against: { line: number; with: Contradiction }[];
}

export function arrange(answer: Itinerary): Line[] {
  return answer.features.map(({ properties: item }, index) => ({
    index,
    item,
    from: Date.parse(item.from),
    to: Date.parse(item.to),
    lane: LANES.find((lane) => lane === item.kind) ?? "stay",
    place: placeKey(item),
    against: answer.contradictions.flatMap((pair) =>
      pair.one === index ? [{ line: pair.other, with: pair }] : pair.other === index ? [{ line: pair.one, with: pair }] : [],
    ),
  }));
}

function keyOf(place: Place | null | undefined): string | undefined {
  return place ? (place.place_id ?? place.name ?? undefined) : undefined;
}

function placeKey({ place, what }: Item): string | undefined {
  if (what?.kind === "trip") return `${keyOf(what.origin) ?? "?"} → ${keyOf(what.destination) ?? "?"}`;
  if (what?.kind === "test") return keyOf(what.collection_place);
  return keyOf(place);
}

type Stretch = [from: number, to: number];

/** The hours of a line in which nothing was seen. */
export const silences = ({ item }: Line): Stretch[] => (item.silences ?? []).map(({ from, to }) => [Date.parse(from), Date.parse(to)]);

/** Stretches in order, those that touch joined. */
function joined(stretches: Stretch[]): Stretch[] {
  const all: Stretch[] = [];
  for (const [from, to] of stretches.filter(([from, to]) => from < to).sort(([a], [b]) => a - b)) {
    const last = all.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else all.push([from, to]);
  }
  return all;
}

/** What of these stretches is not in the others. */
function without(stretches: Stretch[], others: Stretch[]): Stretch[] {
  return joined(others).reduce<Stretch[]>((left, [from, to]) => left.flatMap(([a, b]): Stretch[] => [[a, Math.min(b, from)], [Math.max(a, to), b]]).filter(([a, b]) => a < b), joined(stretches));
}

/** Milliseconds of the itinerary that are assumed alone: no other line saw the person then. */
export function assumed(lines: Line[]): number {
  const seen = lines.filter(({ item }) => item.kind !== "gap").flatMap((line) => without([[line.from, line.to]], silences(line)));
  return without(lines.flatMap(silences), seen).reduce((sum, [from, to]) => sum + to - from, 0);
}

/** What a place is called: its name, or else the last part of the hub's id of it. */
export function placeName(place: Place | null | undefined): string | undefined {
  return place?.name ?? place?.place_id?.split("/").pop();
}

/** Whether somebody was seen while it is not known where they stayed. */
export function isInGap(line: Line, lines: Line[]): boolean {
  return line.item.kind !== "gap" && lines.some(({ item, from, to }) => item.kind === "gap" && from <= line.from && line.to <= to);
}

/** Why a line is not to be taken for granted. */
export function doubtOf({ item, against }: Line): "contradiction" | "doubtful" | "silent" | undefined {
  if (against.length > 0) return "contradiction";
  if (item.doubtful) return "doubtful";
  return item.silent ? "silent" : undefined;
}
