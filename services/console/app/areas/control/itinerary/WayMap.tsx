import type { Feature, FeatureCollection } from "geojson";
import { Typography } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { SquareMap } from "../../../parts/SquareMap";
import { Empty } from "../../../parts/states";
import { useDark } from "../../../theme";
import type { Itinerary } from "../model";
import { minutesOf, useDuration } from "../time";
import type { Line } from "./lines";
import { colours } from "./timelineOption";
import { useItemWords } from "./words";

interface Props {
  answer: Itinerary;
  lines: Line[];
  selected: number[];
  select: (indices: number[]) => void;
}

/** One shape for each place, with all the times there: the same squares drawn over each other would hide all but the last. */
function shapes({ features }: Itinerary, lines: Line[]): FeatureCollection {
  const places = new Map<string, Feature>();
  for (const { item, place, index } of lines) {
    const geometry = features[index]?.geometry;
    if (!geometry || !place) continue;
    const key = `${geometry.type} ${place}`;
    const known = places.get(key);
    const visits = [...((known?.properties?.visits as number[] | undefined) ?? []), index];
    const minutes = ((known?.properties?.minutes as number | undefined) ?? 0) + minutesOf(item);
    places.set(key, { type: "Feature", id: key, geometry, properties: { visits, minutes, lane: lines[index]?.lane } });
  }
  // The largest first, so that the others lie above them and can be hit.
  const parts = (feature: Feature) => (feature.geometry.type === "MultiPolygon" ? feature.geometry.coordinates.length : 0);
  return { type: "FeatureCollection", features: [...places.values()].sort((one, other) => parts(other) - parts(one)) };
}

const visitsOf = (feature: Feature): number[] => (feature.properties?.visits as number[] | undefined) ?? [];

export function WayMap({ answer, lines, selected, select }: Props) {
  const { t } = useTranslation("control");
  const { where, what } = useItemWords();
  const duration = useDuration();
  const colour = colours(useDark());
  const collection = useMemo(() => shapes(answer, lines), [answer, lines]);
  const most = Math.max(1, ...collection.features.map(({ properties }) => (properties?.minutes as number | undefined) ?? 0));
  const chosen = collection.features.find((feature) => selected.some((index) => visitsOf(feature).includes(index)))?.id;
  const unshown = lines.filter(({ item, index }) => item.kind !== "gap" && !answer.features[index]?.geometry).length;
  if (collection.features.length === 0) return <Empty>{t("map.none")}</Empty>;
  return (
    <figure style={{ margin: 0 }} data-part="map">
      <SquareMap
        shapes={collection}
        label={t("map.label", { n: collection.features.length })}
        chosen={chosen}
        style={(feature) => {
          const lane = lines[visitsOf(feature)[0] ?? 0]?.lane ?? "stay";
          const minutes = (feature.properties?.minutes as number | undefined) ?? 0;
          const isChosen = feature.id === chosen;
          return {
            color: isChosen ? colour.contradiction : colour.lanes[lane],
            weight: isChosen ? 3 : 1.5,
            fillOpacity: isChosen ? 0.45 : 0.12 + 0.4 * Math.sqrt(minutes / most),
            dashArray: lane === "trip" ? "6 5" : undefined,
          };
        }}
        tip={(feature) => {
          const visits = visitsOf(feature);
          const item = lines[visits[0] ?? 0]?.item;
          if (!item) return "";
          const name = item.place ? where(item.place) : what(item);
          const minutes = (feature.properties?.minutes as number | undefined) ?? 0;
          return `${name} · ${t("map.visits", { count: visits.length, n: visits.length })}${minutes > 0 ? ` · ${duration(minutes)}` : ""}`;
        }}
        onClick={(feature) => select(visitsOf(feature))}
      />
      <figcaption>
        <Typography.Text type="secondary">
          {t("map.key")} {unshown > 0 && t("map.unshown", { count: unshown, n: unshown })}
        </Typography.Text>
      </figcaption>
    </figure>
  );
}
