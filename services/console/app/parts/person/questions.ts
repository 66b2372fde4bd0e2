/** The questions about one person, each asked once: what is shown again comes from the memory of the page. */
import { useMe } from "../../session/session";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api, ask, Problem } from "../../api/client";
import type { components } from "../../api/schema";
import { DAY, iso, startOfDay } from "../city";
import { currentTask } from "../../session/task";

export type Schemas = components["schemas"];
type PhoneField = { value: Schemas["PhoneView"]; provenance?: PhoneSource | null };
type PhoneOther = { value: Schemas["PhoneView"]; record_id: string; source: string; time: string };
type PhoneSource = Omit<Schemas["ProvenanceView_String"], "runner_up" | "others"> & { runner_up?: PhoneOther | null; others?: PhoneOther[] };
/** The document has two schemas of the name `ContactView`; this is the group `contact` of a person file. */
export type PersonFile = Omit<Schemas["Receipted_PersonFile"], "contact"> & { contact?: { phones: PhoneField[] } | null };
export type RecordView = Schemas["RecordView"];
export type LinkView = Schemas["LinkView"];
export type PartView = Schemas["PartView"];
export type FactView = Schemas["FactView"];
export type Fork = Schemas["Receipted_Fork"];

/** The purpose as the types of the calls ask for it; the client adds the case. */
export const stated = () => ({ "Isthmus-Purpose": currentTask()?.purpose ?? "" });

const about = (person: string, asOf?: string) => ({ params: { header: stated(), path: { person_id: person }, query: asOf ? { as_of: asOf } : {} } });

/** The file of an id, or the persons among whom it was divided. */
export function usePersonFile(person: string | undefined, asOf?: string) {
  return useQuery({
    queryKey: ["person", person, "file", asOf],
    enabled: Boolean(person),
    queryFn: async (): Promise<{ file: PersonFile } | { fork: Fork }> => {
      const { data, error, response } = await api.GET("/v1/persons/{person_id}", about(person ?? "", asOf));
      if (response.status === 300) {
        const body: unknown = error;
        return { fork: body as Fork };
      }
      if (!response.ok) throw Problem.of(response.status, error);
      const answer: unknown = data;
      return { file: answer as PersonFile };
    },
  });
}

export function useRecords(person: string | undefined, asOf?: string) {
  return useQuery({
    queryKey: ["person", person, "records", asOf],
    enabled: Boolean(person),
    queryFn: () => ask(api.GET("/v1/persons/{person_id}/records", about(person ?? "", asOf))),
  });
}

export function useLinks(person: string | undefined, asOf?: string) {
  return useQuery({
    queryKey: ["person", person, "links", asOf],
    enabled: Boolean(person),
    queryFn: () => ask(api.GET("/v1/persons/{person_id}/links", about(person ?? "", asOf))),
  });
}

export function useLineage(person: string | undefined) {
  return useQuery({
    queryKey: ["person", person, "lineage"],
    enabled: Boolean(person),
    queryFn: () => ask(api.GET("/v1/persons/{person_id}/lineage", { params: { header: stated(), path: { person_id: person ?? "" } } })),
  });
}

export function useTimeline(person: string | undefined, from: string, to: string) {
  return useInfiniteQuery({
    queryKey: ["person", person, "timeline", from, to],
    enabled: Boolean(person),
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      ask(
        api.GET("/v1/persons/{person_id}/timeline", {
          params: { header: stated(), path: { person_id: person ?? "" }, query: { from, to, limit: 2000, ...(pageParam && { after: pageParam }) } },
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

/** What the caller may ask for the purpose of the moment. */
export function useMay(purpose: string | undefined) {
  const me = useMe();
  const actions = me.data?.may.find((may) => may.purpose === purpose)?.actions;
  return { ...me, may: (action: string) => actions?.includes(action) ?? false };
}

/** The newest instant that the sources of a file speak of: where its facts are to be looked for. */
export function newestStatement(file: PersonFile): number | undefined {
  const fields = [file.identity?.name, file.identity?.birth_date, file.identity?.sex, ...(file.identity?.other_names ?? []), ...(file.identity?.identifiers ?? []), ...(file.contact?.phones ?? []), file.residence?.address];
  const times = fields.flatMap((field) => (field?.provenance ? [Date.parse(field.provenance.time)] : []));
  return times.length > 0 ? Math.max(...times) : undefined;
}

/** The stretch that is shown first: the last 14 days, or those that end soon after the newest statement when it is older. */
export function firstStretch(file: PersonFile | undefined, now = Date.now()): { from: string; to: string } {
  const newest = file && newestStatement(file);
  const until = newest && newest < now - 14 * DAY ? newest + 5 * DAY : now;
  const end = startOfDay(until) + DAY;
  return { from: iso(end - 14 * DAY), to: iso(end) };
}
