import { DownloadOutlined } from "@ant-design/icons";
import { Alert, Button } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { download } from "../../../api/client";
import { useFormat } from "../../../parts/format";
import { ReceiptTag, Withheld } from "../../../parts/Page";
import { Asked, Empty } from "../../../parts/states";
import type { Itinerary, KnownCase } from "../model";
import { useItinerary, type Stretch } from "../questions";
import { DAY, fortnight, infectious, iso, minutesOf, startOfDay, useDuration } from "../time";
import { InstantInput, Figure, Figures } from "../words";
import { ItemDetail } from "./ItemDetail";
import { ItemList } from "./ItemList";
import { arrange, assumed, silences, type Line } from "./lines";
import { Timeline } from "./Timeline";
import { WayMap } from "./WayMap";

/** Where the person was: on a line of time, on the map and as a list; who chooses something in one sees it in all. */
export function ItineraryTab({ person, known, now, knownAt }: { person: string; known?: KnownCase; now: number; knownAt?: string }) {
  const { t } = useTranslation("control");
  const [chosen, setChosen] = useState<Stretch>();
  const stretch = chosen ?? fortnight(known, now);
  const query = useItinerary(person, stretch, true, knownAt);
  const end = (instant: string | undefined) => {
    if (!instant) return setChosen(undefined);
    const to = startOfDay(instant) + DAY;
    setChosen({ from: iso(to - 14 * DAY), to: iso(to) });
  };
  return (
    <>
      <div className="control-bar">
        <InstantInput label={t("itinerary.lastDay")} kind="day" value={iso(Date.parse(stretch.to) - 1)} max={Date.now()} onChange={end} />
        <span>{t("itinerary.days")}</span>
        <ReceiptTag receipt={query.data?.receipt} />
        <Button
          size="small"
          icon={<DownloadOutlined />}
          onClick={() => void download(`/v1/persons/${person}/itinerary?${new URLSearchParams({ ...stretch, ...(knownAt && { known_at: knownAt }), format: "csv" })}`, "itinerary.csv")}
        >
          {t("itinerary.table")}
        </Button>
      </div>
      <Asked query={query}>{(answer) => <Answer answer={answer} known={known} now={now} />}</Asked>
    </>
  );
}

function Answer({ answer, known, now }: { answer: Itinerary; known?: KnownCase; now: number }) {
  const { t } = useTranslation("control");
  const lines = useMemo(() => arrange(answer), [answer]);
  const [selected, setSelected] = useState<number[]>([]);
  const first = selected[0];
  const chosen: Line | undefined = first === undefined ? undefined : lines[first];
  const marks = useMemo(() => {
    const span = known && infectious(known, now);
    const at = (name: string, instant: string | null | undefined) => (instant ? [{ name: t(name), at: Date.parse(instant) }] : []);
    return [...at("mark.infectious", span?.from), ...at("mark.isolated", known?.isolated_time), ...at("mark.confirmed", known?.confirmed_time)];
  }, [known, now, t]);
  return (
    <>
      <Withheld of="read-itinerary" groups={answer.withheld} />
      <Summary answer={answer} lines={lines} />
      {answer.unplaced > 0 && <Alert type="info" showIcon title={t("itinerary.unplaced", { n: answer.unplaced })} style={{ marginBottom: 12 }} />}
      {lines.every(({ item }) => item.kind === "gap") ? (
        <Empty>{t("itinerary.nothing")}</Empty>
      ) : (
        <>
          <Timeline lines={lines} stretch={answer} marks={marks} selected={selected} select={setSelected} />
          <div className="control-two" style={{ marginTop: 16 }}>
            <div>
              <WayMap answer={answer} lines={lines} selected={selected} select={setSelected} />
              {chosen && <ItemDetail line={chosen} lines={lines} select={setSelected} also={selected.length - 1} />}
            </div>
            <ItemList lines={lines} selected={selected} select={setSelected} />
          </div>
        </>
      )}
    </>
  );
}

function Summary({ answer, lines }: { answer: Itinerary; lines: Line[] }) {
  const { t } = useTranslation("control");
  const { number, percent } = useFormat();
  const duration = useDuration();
  const gaps = lines.filter(({ item }) => item.kind === "gap").reduce((sum, { item }) => sum + minutesOf(item), 0);
  const places = new Set(lines.flatMap(({ place }) => place ?? [])).size;
  const doubtful = lines.filter(({ item }) => item.doubtful || item.silent).length;
  const silent = lines.filter(({ item }) => item.silent);
  const long = silent.flatMap(silences).reduce((sum, [from, to]) => sum + (to - from) / 60_000, 0);
  const unseen = assumed(lines) / 60_000;
  const missing = [gaps > 0 && t("itinerary.gaps", { time: duration(gaps) }), unseen > 0 && t("itinerary.unseen", { time: duration(unseen) })].filter(Boolean);
  return (
    <Figures>
      <Figure label={t("itinerary.covered")} value={percent(1 - (gaps + unseen) / minutesOf(answer), 0)} hint={missing.length > 0 ? missing.join("; ") : undefined} />
      <Figure label={t("itinerary.places")} value={number(places)} />
      <Figure label={t("itinerary.contradictions")} value={number(answer.contradictions.length)} tone={answer.contradictions.length > 0 ? "alarm" : undefined} />
      <Figure label={t("itinerary.doubts")} value={number(doubtful)} hint={silent.length > 0 ? t("itinerary.assumed", { count: silent.length, n: number(silent.length), time: duration(long) }) : undefined} />
    </Figures>
  );
}
