import { Button, Drawer, Progress, Typography } from "antd";
import type { FeatureCollection } from "geojson";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { PersonStrip } from "../case/PersonStrip";
import { placeName } from "../itinerary/lines";
import { useItemWords } from "../itinerary/words";
import type { Itinerary, Meeting } from "../model";
import { useItinerary, type Stretch } from "../questions";
import { useDuration } from "../time";
import { Events, PersonLink, SceneTag } from "../words";
import { FocusBack } from "../../../parts/focus";
import { useFormat } from "../../../parts/format";
import { SquareMap } from "../../../parts/SquareMap";
import { Loading, ProblemAlert } from "../../../parts/states";
import { together } from "./ContactsTab";
import { encounters, type Encounter } from "./encounters";

export interface Shown {
  title: string;
  person: string;
  /** Of a contact's contact: the contact. */
  through?: string;
  meetings: Meeting[];
  count: number;
}

/** Encounters that are shown at once. */
const PAGE = 30;

/** Where, when, how long, from which facts and how sure. */
export function Evidence({ shown, close, person, stretch }: { shown?: Shown; close: () => void; person: string; stretch: Stretch }) {
  return (
    <Drawer open={Boolean(shown)} onClose={close} title={shown?.title} size="min(720px, 100vw)" destroyOnHidden>
      {shown && <FocusBack />}
      {shown && <Body key={shown.person} shown={shown} person={person} stretch={stretch} />}
    </Drawer>
  );
}

function Body({ shown, person, stretch }: { shown: Shown; person: string; stretch: Stretch }) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  const duration = useDuration();
  const [isNamed, setNamed] = useState(false);
  const [places, setPlaces] = useState(false);
  const [limit, setLimit] = useState(PAGE);
  const met = useMemo(() => encounters(shown.meetings), [shown]);
  const isSub = Boolean(shown.through);
  const way = useItinerary(person, stretch, places);
  const { what } = useItemWords();
  // What the facts of the case are: the itinerary tells each with its source.
  const names = useMemo(() => {
    const lines = way.data?.features.flatMap(({ properties: item }) => (item.facts ?? []).map(({ event_id, source }) => [event_id, `${source} · ${what(item)}`] as const));
    return new Map(lines);
    // The words change with the language alone.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [way.data]);
  return (
    <>
      {isNamed ? (
        <PersonStrip person={shown.person} />
      ) : (
        <div className="control-bar">
          <PersonLink id={shown.person} />
          {shown.through && (
            <span>
              {t("contacts.through")}: <PersonLink id={shown.through} />
            </span>
          )}
          <Button size="small" onClick={() => setNamed(true)}>
            {t("contacts.who")}
          </Button>
        </div>
      )}
      <Typography.Paragraph>
        <strong>{t("contacts.encounters", { count: met.length, n: number(met.length) })}</strong> · {t("contacts.inAll", { time: duration(together({ meetings: shown.meetings, meeting_count: shown.meetings.length, minutes: 0 })) })}
        {shown.count > shown.meetings.length && <> · {t("contacts.firstOf", { n: number(shown.meetings.length), of: number(shown.count) })}</>}
      </Typography.Paragraph>
      {!isSub && !places && (
        <Button onClick={() => setPlaces(true)} style={{ marginBottom: 12 }}>
          {t("contacts.showPlaces")}
        </Button>
      )}
      {places && way.isPending && <Loading rows={2} />}
      {way.isError && <ProblemAlert error={way.error} />}
      {way.data && <Places meetings={shown.meetings} way={way.data} />}
      <ol className="control-encounters" aria-label={t("contacts.evidence")}>
        {met.slice(0, limit).map((encounter) => (
          <One key={`${encounter.scene} ${encounter.from} ${encounter.place ?? ""}`} encounter={encounter} names={names} />
        ))}
      </ol>
      {met.length > limit && (
        <Button onClick={() => setLimit(limit + PAGE)}>
          {t("more", { ns: "common" })} ({number(met.length - limit)})
        </Button>
      )}
    </>
  );
}

function One({ encounter, names }: { encounter: Encounter; names: Map<string, string> }) {
  const { t } = useTranslation("control");
  const { instant, percent, number } = useFormat();
  const duration = useDuration();
  const { scene, place, from, to, minutes, confidence, squares, own, other } = encounter;
  const name = placeName(place ? { place_id: place, kind: "OTHER", datum: "UNKNOWN" } : null);
  return (
    <li data-part="encounter">
      <div className="control-bar" style={{ marginBottom: 4 }}>
        <SceneTag scene={scene} />
        {name && <span>{name}</span>}
        <strong>{duration(minutes)}</strong>
      </div>
      <div>{t("span.fromTo", { from: instant(from), to: instant(to) })}</div>
      <div className="control-exposure">
        <span>{t("itinerary.sure")}</span>
        <Progress percent={Math.round(confidence * 100)} size="small" showInfo={false} status="normal" strokeColor="var(--brand)" style={{ width: 90 }} aria-label={t("itinerary.sure")} />
        <span className="numbers">{percent(confidence, 0)}</span>
        {squares.length > 0 && <span>· {t("contacts.squares", { count: squares.length, n: number(squares.length) })}</span>}
      </div>
      {own.length > 0 && <Events label={t("contacts.ownFacts", { count: own.length, n: number(own.length) })} events={own} names={names} />}
      {other.length > 0 && <Events label={t("contacts.otherFacts", { count: other.length, n: number(other.length) })} events={other} />}
    </li>
  );
}

/** The squares of the meetings. Their corners are told by the itinerary of the case, which was in them. */
function Places({ meetings, way }: { meetings: Meeting[]; way: Itinerary }) {
  const { t } = useTranslation("control");
  const duration = useDuration();
  const shapes = useMemo(() => squaresOf(way, meetings), [way, meetings]);
  if (shapes.features.length === 0) return null;
  return (
    <div style={{ marginBottom: 12 }}>
      <SquareMap
        shapes={shapes}
        label={t("contacts.placesLabel", { n: shapes.features.length })}
        tip={({ properties }) => `${t("contacts.squareHours")} ${duration(typeof properties?.minutes === "number" ? properties.minutes : 0)}`}
      />
    </div>
  );
}

function squaresOf({ features }: Itinerary, meetings: Meeting[]): FeatureCollection {
  const corners = new Map<string, GeoJSON.Position[][]>();
  for (const { geometry, properties } of features) {
    const rings = geometry?.type === "Polygon" ? [geometry.coordinates] : geometry?.type === "MultiPolygon" ? geometry.coordinates : [];
    properties.squares?.forEach(({ row, column }, index) => {
      const ring = rings[index];
      if (ring) corners.set(`${row}/${column}`, ring);
    });
  }
  const minutes = new Map<string, number>();
  for (const { square, minutes: long } of meetings) {
    if (square) minutes.set(`${square.row}/${square.column}`, (minutes.get(`${square.row}/${square.column}`) ?? 0) + long);
  }
  const shapes: FeatureCollection["features"] = [];
  for (const [key, long] of minutes) {
    const coordinates = corners.get(key);
    if (coordinates) shapes.push({ type: "Feature", id: key, geometry: { type: "Polygon", coordinates }, properties: { minutes: long } });
  }
  return { type: "FeatureCollection", features: shapes };
}
