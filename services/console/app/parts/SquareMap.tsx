/** A map without tiles: squares of 800 m, points and ways, drawn from GeoJSON alone, so that it works without any other server. */
import "leaflet/dist/leaflet.css";
import type * as Leaflet from "leaflet";
import type { Feature, FeatureCollection } from "geojson";
import { useEffect, useRef } from "react";
import { useDark } from "../theme";

interface Props {
  shapes: FeatureCollection;
  /** What the map shows, in a sentence. */
  label: string;
  style?: (feature: Feature) => Leaflet.PathOptions;
  /** Plain text of a shape, shown on hover and tap. */
  tip?: (feature: Feature) => string;
  onClick?: (feature: Feature) => void;
  /** Id of the shape that is chosen: it is brought into view, and the shapes are styled anew. */
  chosen?: Feature["id"];
}

export function SquareMap({ shapes, label, style, tip, onClick, chosen }: Props) {
  const drawn = useRef<{ map: Leaflet.Map; layer: Leaflet.GeoJSON }>(undefined);
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef({ style, tip, onClick });
  latest.current = { style, tip, onClick };
  const dark = useDark();
  useEffect(() => {
    let map: Leaflet.Map | undefined;
    let gone = false;
    void import("leaflet").then((leaflet) => {
      if (gone || !place.current) return;
      map = leaflet.map(place.current, { attributionControl: false, zoomSnap: 0.5, minZoom: 3, maxZoom: 18 });
      leaflet.control.scale({ imperial: false }).addTo(map);
      const colour = dark ? "#5bc4c9" : "#0b6e75";
      const layer = leaflet.geoJSON(shapes, {
        style: (feature) => ({ color: colour, weight: 1.5, fillOpacity: 0.25, ...(feature && latest.current.style?.(feature)) }),
        pointToLayer: (feature, at) => leaflet.circleMarker(at, { radius: 6, color: colour, weight: 2, fillOpacity: 0.7, ...latest.current.style?.(feature) }),
        onEachFeature: (feature, shape) => {
          const text = latest.current.tip?.(feature);
          if (text) {
            const line = document.createElement("span");
            line.textContent = text;
            shape.bindTooltip(line, { sticky: true });
          }
          shape.on("click", () => latest.current.onClick?.(feature));
        },
      });
      layer.addTo(map);
      const bounds = layer.getBounds();
      if (bounds.isValid()) map.fitBounds(bounds, { padding: [24, 24], maxZoom: 15 });
      else map.setView([31.2, 121.5], 9);
      drawn.current = { map, layer };
    });
    return () => {
      gone = true;
      drawn.current = undefined;
      map?.remove();
    };
  }, [shapes, dark]);
  useEffect(() => {
    drawn.current?.layer.eachLayer((shape) => {
      const feature = (shape as Leaflet.Layer & { feature?: Feature }).feature;
      if (!feature || !("setStyle" in shape)) return;
      (shape as Leaflet.Path).setStyle({ ...latest.current.style?.(feature) });
      if (feature.id !== chosen || chosen === undefined) return;
      (shape as Leaflet.Path).bringToFront();
      const middle = "getBounds" in shape ? (shape as Leaflet.Polyline).getBounds().getCenter() : (shape as Leaflet.CircleMarker).getLatLng();
      drawn.current?.map.panInside(middle, { padding: [60, 60] });
    });
  }, [chosen]);
  return <div ref={place} className="square-map" role="application" aria-label={label} />;
}
