/** Contacts as a picture of rings. Places are computed, not found by forces: the same answer gives the same picture. */
import type { EChartsCoreOption } from "echarts/core";
import type { Contact, ContactsAnswer, Meeting, SubContact } from "../model";
import { scenesOf } from "./ContactsTab";

export interface Target {
  contact?: Contact;
  link?: SubContact;
}

interface Input {
  answer: ContactsAnswer;
  name: string;
  /** What a person is called in the picture. */
  nameOf: (id: string) => string;
  dark: boolean;
  tip: (target: Target) => string;
  sceneName: (scene: string) => string;
}

/** More cannot be told apart. */
const CONTACTS_FIRST = 20;
const CONTACTS_MAX = 36;
const SUBS_MAX = 90;
const RING = { contacts: 190, subs: 330 };

const SCENES: Record<string, { light: string; dark: string; line: "solid" | "dashed" | "dotted" }> = {
  dwelling: { light: "#722ed1", dark: "#b37feb", line: "solid" },
  ward: { light: "#c41d7f", dark: "#f759ab", line: "solid" },
  vehicle: { light: "#1677ff", dark: "#69b1ff", line: "solid" },
  square: { light: "#0b6e75", dark: "#2fa3a9", line: "dashed" },
  "neighbouring-squares": { light: "#8c8c8c", dark: "#8c8c8c", line: "dotted" },
};

export function graph({ answer, name, nameOf, dark, tip, sceneName }: Input): { option: EChartsCoreOption; contacts: number; subs: number } {
  const colour = (scene: Meeting["scene"] | undefined) => {
    const found = SCENES[scene ?? "square"] ?? SCENES.square;
    return { color: dark ? found?.dark : found?.light, type: found?.line };
  };
  // Those through whom others were met are shown before the least exposed.
  const carriers = new Set(answer.sub_contacts?.links.map(({ through }) => through));
  const [first, rest] = [answer.contacts.slice(0, CONTACTS_FIRST), answer.contacts.slice(CONTACTS_FIRST)];
  const later = [...rest.filter(({ person_id }) => carriers.has(person_id)), ...rest.filter(({ person_id }) => !carriers.has(person_id))];
  const contacts = [...first, ...later].slice(0, CONTACTS_MAX);
  const angles = new Map(contacts.map(({ person_id }, index) => [person_id, (2 * Math.PI * index) / Math.max(1, contacts.length) - Math.PI / 2]));
  const near = new Set([answer.person_id, ...contacts.map(({ person_id }) => person_id)]);
  const links = (answer.sub_contacts?.links ?? []).filter(({ person_id, through }) => angles.has(through) && !near.has(person_id)).slice(0, SUBS_MAX);
  // Whoever several contacts met is one person: it stands by the first of them.
  const outer = new Map<string, SubContact[]>();
  for (const link of links) outer.set(link.person_id, [...(outer.get(link.person_id) ?? []), link]);
  const sorted = [...outer.values()].sort((one, other) => (angles.get(one[0]?.through ?? "") ?? 0) - (angles.get(other[0]?.through ?? "") ?? 0));
  const most = Math.log1p(Math.max(1, contacts[0]?.weighed_minutes ?? 1));
  const text = dark ? "#d9d9d9" : "#262626";
  const label = contacts.length <= 20;
  const nodes: object[] = [
    { id: answer.person_id, name, x: 0, y: 0, symbolSize: 40, itemStyle: { color: dark ? "#ff7875" : "#cf1322" }, label: { show: true, position: "bottom", color: text, fontWeight: "bold", fontSize: 12, backgroundColor: dark ? "#141414" : "#fff", padding: [1, 4], borderRadius: 3 }, shown: {} },
    ...contacts.map((contact) => {
      const angle = angles.get(contact.person_id) ?? 0;
      const { color } = colour(scenesOf(contact)[0]);
      return {
        id: contact.person_id,
        name: nameOf(contact.person_id),
        x: RING.contacts * Math.cos(angle),
        y: RING.contacts * Math.sin(angle),
        symbolSize: 10 + 20 * (Math.log1p(contact.weighed_minutes) / most),
        itemStyle: { color },
        label: { show: label, position: "bottom", color: text, fontSize: 11 },
        shown: { contact },
      };
    }),
    ...sorted.map((group, index) => {
      const own = angles.get(group[0]?.through ?? "") ?? 0;
      const around = (2 * Math.PI * index) / Math.max(1, sorted.length) - Math.PI / 2;
      // Few stand near their contact; many need the whole ring.
      const angle = sorted.length > 24 ? around : own + spread(sorted, index);
      return {
        id: group[0]?.person_id ?? "",
        name: nameOf(group[0]?.person_id ?? ""),
        x: RING.subs * Math.cos(angle),
        y: RING.subs * Math.sin(angle),
        symbol: "diamond",
        symbolSize: 11,
        itemStyle: { color: "transparent", borderColor: colour(group[0]?.meeting.scene).color, borderWidth: 2 },
        label: { show: false },
        shown: { link: group[0] },
      };
    }),
  ];
  const edges: object[] = [
    ...contacts.map((contact) => ({ source: answer.person_id, target: contact.person_id, lineStyle: { ...colour(scenesOf(contact)[0]), width: 2.5, opacity: 0.75 }, shown: { contact } })),
    ...links.map((link) => ({ source: link.through, target: link.person_id, lineStyle: { ...colour(link.meeting.scene), width: 1, opacity: 0.55 }, shown: { link } })),
  ];
  const present = new Set([...contacts.map((contact) => scenesOf(contact)[0]), ...links.map(({ meeting }) => meeting.scene)]);
  const keys = Object.keys(SCENES).filter((scene) => present.has(scene as Meeting["scene"]));
  const option: EChartsCoreOption = {
    animation: false,
    tooltip: {
      renderMode: "richText",
      confine: true,
      formatter: ({ data }: { data?: { shown?: Target } }) => tip(data?.shown ?? {}),
    },
    legend: { top: 0, data: keys.map((scene) => ({ name: sceneName(scene), itemStyle: { color: colour(scene as Meeting["scene"]).color } })), selectedMode: false, textStyle: { color: text } },
    series: [
      {
        id: "graph",
        type: "graph",
        layout: "none",
        roam: true,
        // Within the view whatever its form: names stand below their nodes, and the legend takes two rows on a phone.
        preserveAspect: "contain",
        left: 36,
        right: 36,
        top: 64,
        bottom: 28,
        categories: keys.map((scene) => ({ name: sceneName(scene), itemStyle: { color: colour(scene as Meeting["scene"]).color } })),
        emphasis: { focus: "adjacency" },
        nodes,
        edges,
      },
    ],
  };
  return { option, contacts: contacts.length, subs: sorted.length };
}

/** Those of one contact lie side by side. */
function spread(groups: SubContact[][], index: number): number {
  const through = groups[index]?.[0]?.through;
  const first = groups.findIndex((group) => group[0]?.through === through);
  const count = groups.filter((group) => group[0]?.through === through).length;
  return (index - first - (count - 1) / 2) * 0.09;
}
