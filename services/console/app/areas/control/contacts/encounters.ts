/** Meetings as people think of them: two phones in four squares at once were near each other once. */
import type { GridSquare, Meeting } from "../model";

export interface Encounter {
  scene: Meeting["scene"];
  place?: string;
  from: string;
  to: string;
  minutes: number;
  /** That of the surest meeting in it. */
  confidence: number;
  squares: GridSquare[];
  /** Facts that place the case there, and those that place the other one. */
  own: string[];
  other: string[];
}

/** Meetings of one scene that overlap in time become one; a room is a scene of its own. */
export function encounters(meetings: Meeting[]): Encounter[] {
  const scene = (meeting: Meeting) => (meeting.square ? "square" : `${meeting.scene} ${meeting.place ?? ""}`);
  const sorted = [...meetings].sort((one, other) => scene(one).localeCompare(scene(other)) || one.from.localeCompare(other.from));
  const found: { key: string; encounter: Encounter }[] = [];
  for (const meeting of sorted) {
    const last = found.at(-1);
    if (last && last.key === scene(meeting) && meeting.from <= last.encounter.to) add(last.encounter, meeting);
    else found.push({ key: scene(meeting), encounter: begin(meeting) });
  }
  const all = found.map(({ encounter }) => encounter);
  for (const encounter of all) encounter.minutes = (Date.parse(encounter.to) - Date.parse(encounter.from)) / 60_000;
  return all.sort((one, other) => one.from.localeCompare(other.from));
}

function begin({ scene, place, from, to, minutes, confidence, square, own_events, other_events }: Meeting): Encounter {
  return { scene, place: place ?? undefined, from, to, minutes, confidence, squares: square ? [square] : [], own: [...(own_events ?? [])], other: [...(other_events ?? [])] };
}

function add(encounter: Encounter, { scene, to, confidence, square, own_events, other_events }: Meeting): void {
  if (to > encounter.to) encounter.to = to;
  encounter.confidence = Math.max(encounter.confidence, confidence);
  // The same square says more than squares beside each other.
  if (scene === "square") encounter.scene = scene;
  if (square && !encounter.squares.some(({ row, column }) => row === square.row && column === square.column)) encounter.squares.push(square);
  encounter.own = [...new Set([...encounter.own, ...(own_events ?? [])])];
  encounter.other = [...new Set([...encounter.other, ...(other_events ?? [])])];
}
