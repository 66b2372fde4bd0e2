import { Alert, Button, Card, Descriptions, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { useFormat } from "../../../parts/format";
import { useDuration, minutesOf } from "../time";
import { Doubt } from "./ItemList";
import { placeName, type Line } from "./lines";
import { useItemWords } from "./words";

/** Everything that is known of one line, down to the facts that say so. */
export function ItemDetail({ line, lines, select, also }: { line: Line; lines: Line[]; select: (indices: number[]) => void; also: number }) {
  const { t } = useTranslation("control");
  const { second, percent } = useFormat();
  const duration = useDuration();
  const { what, where, code } = useItemWords();
  const { item, against } = line;
  const happening = item.what;
  const rows: [string, React.ReactNode][] = [
    [t("itinerary.what"), what(item)],
    [t("itinerary.when"), item.from === item.to ? second(item.from) : t("span.fromTo", { from: second(item.from), to: second(item.to) })],
  ];
  if (item.from !== item.to) rows.push([t("itinerary.long"), duration(minutesOf(item))]);
  if (item.place) rows.push([t("itinerary.where"), [where(item.place), item.place.division_code, item.place.radius_m && t("itinerary.radius", { m: Math.round(item.place.radius_m) })].filter(Boolean).join(" · ")]);
  if (item.confidence !== undefined && item.confidence !== null) rows.push([t("itinerary.sure"), percent(item.confidence, 0)]);
  if (happening?.kind === "test") {
    rows.push([t("itinerary.lab"), [happening.lab, placeName(happening.collection_place)].filter(Boolean).join(" · ")]);
    rows.push([t("itinerary.reported"), second(happening.reported_time)]);
    if (happening.ct_value) rows.push([t("itinerary.ct"), happening.ct_value]);
  }
  if (happening?.kind === "trip") rows.push([t("itinerary.ticket"), code("ticket", happening.status)]);
  return (
    <Card size="small" style={{ marginTop: 12 }} title={<h3 className="control-h2">{t(`kind.${item.kind}`, { defaultValue: item.kind })}</h3>} extra={<Doubt line={line} />} data-part="detail">
      {also > 0 && <Typography.Paragraph type="secondary">{t("itinerary.also", { count: also, n: also })}</Typography.Paragraph>}
      {item.doubtful && <Alert type="warning" showIcon title={t(`doubtReason.${item.doubtful.reason}`, { n: item.doubtful.other_persons, defaultValue: item.doubtful.reason })} style={{ marginBottom: 8 }} />}
      {item.silent && (
        <Alert
          type="info"
          showIcon
          title={t("doubt.silentLong")}
          description={
            <ul className="control-events" data-silences={item.silences?.length}>
              {item.silences?.map((silence) => (
                <li key={silence.from}>{t("span.fromTo", { from: second(silence.from), to: second(silence.to) })} · {duration(minutesOf(silence))}</li>
              ))}
            </ul>
          }
          style={{ marginBottom: 8 }}
        />
      )}
      {against.map(({ line: other, with: pair }) => (
        <Alert
          key={other}
          type="error"
          showIcon
          style={{ marginBottom: 8 }}
          title={t("doubt.contradictionLong", { from: second(pair.from), to: second(pair.to) })}
          description={lines[other] && what(lines[other].item)}
          action={
            <Button size="small" onClick={() => select([other])}>
              {t("itinerary.other")}
            </Button>
          }
        />
      ))}
      <Descriptions size="small" column={1} items={rows.map(([label, children]) => ({ key: label, label, children }))} />
      {item.facts && item.facts.length > 0 && (
        <details>
          <summary>{t("itinerary.facts", { count: item.facts.length, n: item.facts.length })}</summary>
          <ul className="control-events">
            {item.facts.map(({ source, event_id }) => (
              <li key={event_id}>
                {source} · <Typography.Text className="control-id" copyable={{ text: event_id, tooltips: false }}>{event_id}</Typography.Text>
              </li>
            ))}
          </ul>
        </details>
      )}
      {item.swings && item.swings.length > 0 && <Typography.Paragraph type="secondary">{t("itinerary.swings", { n: item.swings.length })}</Typography.Paragraph>}
    </Card>
  );
}
