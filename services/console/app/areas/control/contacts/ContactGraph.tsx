import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Chart } from "../../../parts/Chart";
import { useFormat } from "../../../parts/format";
import { useDark } from "../../../theme";
import type { Contact, ContactsAnswer, SubContact } from "../model";
import { useNames } from "../names";
import { useDuration } from "../time";
import { short } from "../words";
import { together } from "./ContactsTab";
import { graph, type Target } from "./graphOption";

interface Props {
  answer: ContactsAnswer;
  name: string;
  showContact: (contact: Contact) => void;
  showSub: (link: SubContact) => void;
}

/** The case in the middle, contacts around it, the most exposed first, and whom they met outside. The tables say the same. */
export function ContactGraph({ answer, name, showContact, showSub }: Props) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  const duration = useDuration();
  const dark = useDark();
  const names = useNames();
  const drawn = useMemo(() => {
    const nameOf = (id: string) => names[id] || short(id);
    const tip = (target: Target) =>
      target.contact
        ? `${nameOf(target.contact.person_id)}\n${duration(together(target.contact))}`
        : target.link
          ? `${nameOf(target.link.person_id)}\n${t(`scene.${target.link.meeting.scene}`)} · ${duration(target.link.meeting.minutes)}`
          : name;
    return graph({ answer, name, nameOf, dark, tip, sceneName: (scene) => t(`scene.${scene}`, { defaultValue: scene }) });
    // Words and durations change with the language alone.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [answer, name, names, dark, t]);
  return (
    <figure style={{ margin: 0 }} data-part="graph">
      <Chart
        option={drawn.option}
        height={560}
        label={t("graph.label", { contacts: drawn.contacts, subs: drawn.subs })}
        onClick={({ data }) => {
          const target = typeof data === "object" && data !== null && "shown" in data ? (data.shown as Target) : undefined;
          if (target?.link) showSub(target.link);
          else if (target?.contact) showContact(target.contact);
        }}
      />
      <figcaption className="control-note">
        {t("graph.key")} {t("graph.shown", { contacts: number(drawn.contacts), of: number(answer.total), subs: number(drawn.subs), ofSubs: number(answer.sub_contacts?.total ?? 0) })}
      </figcaption>
    </figure>
  );
}
