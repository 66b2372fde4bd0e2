/** What happened, in a sentence, whatever kind of fact it is. */
import { Tag, Tooltip } from "antd";
import type { ReactNode } from "react";
import { useTestName } from "../testNames";
import "./person.css";
import type { Schemas } from "./questions";
import { usePersonWords } from "./words";

type Happening = Schemas["Happening"];
type Place = Schemas["PlaceView"];

/** A place by its name, or by its kind and the number that its source gives it. */
export function usePlaceText(): (place?: Place | null) => string {
  const { t } = usePersonWords();
  return (place) => {
    const number = place?.place_id?.split("/").at(-1);
    if (place?.name || !number) return place?.name ?? "";
    const kind = place?.kind && t(`placeKind.${place.kind}`, { defaultValue: "" });
    return kind ? `${kind} ${number}` : number;
  };
}

/** One line that says what happened, and a second with what else is known. */
export function useFactText() {
  const { t, format } = usePersonWords();
  const code = (list: string, value: string) => t(`${list}.${value}`, { defaultValue: value });
  const join = (...parts: (string | null | undefined | false)[]) => parts.filter(Boolean).join(" · ");
  const where = usePlaceText();
  const test = useTestName();
  return (what: Happening): { first: string; second: string } => {
    switch (what.kind) {
      case "presence":
        return {
          first: where(what.place) || t("someWhere"),
          second: join(code("method", what.method), what.confidence ? t("sure", { share: format.percent(what.confidence, 0) }) : ""),
        };
      case "trip":
        return {
          first: `${code("mode", what.mode)} ${what.numbers[0] ?? ""} ${where(what.origin)} → ${where(what.destination)}`,
          second: join(
            code("tripStatus", what.status),
            what.carriage && t("carriage", { carriage: what.carriage }),
            what.seat && t("seat", { seat: what.seat }),
            what.arrive_time && `${format.instant(what.depart_time)} – ${format.instant(what.arrive_time)}`,
          ),
        };
      case "gate":
        return { first: join(code("direction", what.direction), where(what.place) || `${t("placeKind.GATE")} ${what.gate_id}`), second: code("gateDecision", what.decision) };
      case "payment":
        return {
          first: join(code("channel", what.channel), where(what.place)),
          second: join(format.money(what.amount, what.currency), !what.on_site && t("online")),
        };
      case "encounter":
        return { first: join(code("encounter", what.action), where(what.place)), second: join(what.ward_bed && t("ward", { ward: what.ward_bed }), ...what.diagnoses) };
      case "test":
        return {
          first: `${test(what.code)}: ${code("result", what.result)}`,
          second: join(where(what.collection_place), what.lab, code("resultStatus", what.status), what.pool_id && t("pool", { pool: what.pool_id })),
        };
      case "case":
        return { first: `${what.case_id}: ${code("caseState", what.state)}`, second: join(what.cluster_id, what.confirmed_time && format.instant(what.confirmed_time)) };
      case "household":
        return { first: join(where(what.dwelling), what.relation_to_head), second: code("residenceKind", what.residence_kind) };
    }
  };
}

export function FactLine({ first, second, children }: { first: string; second?: string; children?: ReactNode }) {
  return (
    <div className="fact-line">
      <div>
        {first} {children}
      </div>
      {second && <div className="second">{second}</div>}
    </div>
  );
}

/** That a fact may be somebody else's, and why. */
export function Doubt({ of }: { of?: Schemas["DoubtView"] | null }) {
  const { t } = usePersonWords();
  if (!of) return null;
  return (
    <Tooltip title={t(`doubtWhy.${of.reason}`, { count: of.other_persons, defaultValue: of.reason })}>
      <Tag color="orange" tabIndex={0}>
        {t("doubt")}
      </Tag>
    </Tooltip>
  );
}
