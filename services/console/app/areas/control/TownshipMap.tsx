import type { Feature, FeatureCollection } from "geojson";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { SquareMap } from "../../parts/SquareMap";
import { useDark } from "../../theme";
import type { Townships } from "./model";

/** Townships by their boundaries, coloured by level; nothing where the site gives no boundaries. */
export function TownshipMap({ answer }: { answer: Townships }) {
  const { t } = useTranslation("control");
  const dark = useDark();
  const shapes = useMemo(() => coloured(answer), [answer]);
  if (shapes.features.length === 0) return null;
  const colours = { HIGH: dark ? "#ff7875" : "#cf1322", MEDIUM: dark ? "#ffc53d" : "#d48806", LOW: dark ? "#8c8c8c" : "#595959" };
  return (
    <figure style={{ margin: "0 0 16px" }} data-part="township-map">
      <SquareMap
        shapes={shapes}
        label={t("townships.map", { n: shapes.features.length })}
        style={({ properties }) => ({ color: colours[levelOf(properties)], fillOpacity: levelOf(properties) === "LOW" ? 0.06 : 0.4 })}
        tip={({ properties }) => `${properties?.name ?? properties?.code}: ${t(`level.${levelOf(properties)}`)}`}
      />
      <figcaption className="control-note">{t("townships.mapHelp")}</figcaption>
    </figure>
  );
}

const levelOf = (properties: Feature["properties"]): "HIGH" | "MEDIUM" | "LOW" => properties?.level ?? "LOW";

function coloured({ townships, outlines }: Townships): FeatureCollection {
  const levels = new Map(townships.map(({ township, level }) => [township, level]));
  const features = (outlines as FeatureCollection | undefined)?.features ?? [];
  return { type: "FeatureCollection", features: features.map((one) => ({ ...one, id: one.properties?.code, properties: { ...one.properties, level: levels.get(one.properties?.code) ?? "LOW" } })) };
}
