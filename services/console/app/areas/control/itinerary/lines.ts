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
