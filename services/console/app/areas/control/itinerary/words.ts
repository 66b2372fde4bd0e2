/** An item of an itinerary in words. */
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";
import { useTestName } from "../../../parts/testNames";
import type { Item, Place } from "../model";
import { placeName } from "./lines";

export function useItemWords() {
  const { t } = useTranslation("control");
  const { money } = useFormat();
  const code = (of: string, value: unknown) => (typeof value === "string" ? t(`${of}.${value}`, { defaultValue: value }) : "");
  const where = (place: Place | null | undefined): string => {
    const name = placeName(place);
    const kind = code("placeKind", place?.kind);
    if (!place || !name) return kind && place?.kind !== "UNKNOWN" ? kind : t("itinerary.somewhere");
    return place.name || !kind || place.kind === "UNKNOWN" ? name : `${kind} ${name}`;
  };
  const test = useTestName();
  /** What happened, without when. */
  const what = ({ kind, place, what }: Item): string => {
    switch (what?.kind) {
      case "trip":
        return [what.numbers.join("/"), `${where(what.origin)} → ${where(what.destination)}`, what.carriage && t("itinerary.carriage", { n: what.carriage }), what.seat].filter(Boolean).join(" · ");
      case "encounter":
        return [code("action", what.action), where(what.place), what.ward_bed].filter(Boolean).join(" · ");
      case "test":
        return [code("result", what.result), test(what.code), what.pool_id && t("itinerary.pool")].filter(Boolean).join(" · ");
      case "payment":
        return [money(what.amount, what.currency), where(what.place)].filter(Boolean).join(" · ");
      case "gate":
        return [placeName(what.place) ?? what.gate_id, code("direction", what.direction), what.decision === "REFUSED" && t("itinerary.refused")].filter(Boolean).join(" · ");
      default:
        return kind === "gap" ? t("itinerary.noTrace") : where(place);
    }
  };
  return { what, where, code };
}
