import { Typography } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Chart } from "../../../parts/Chart";
import { useFormat } from "../../../parts/format";
import { useDark } from "../../../theme";
import type { Stretch } from "../questions";
import { LANES, type Line } from "./lines";
import { colours, timeline, type Mark } from "./timelineOption";
import { useItemWords } from "./words";

interface Props {
  lines: Line[];
  stretch: Stretch;
  marks: Mark[];
  selected: number[];
  select?: (indices: number[]) => void;
}

/** The line of time, by lane. The list beside it says the same to those who do not see it. */
export function Timeline({ lines, stretch, marks, selected, select }: Props) {
  const { t } = useTranslation("control");
  const { locale, instant, shortDay, time } = useFormat();
  const { what } = useItemWords();
  const dark = useDark();
  const present = LANES.filter((lane) => lane === "stay" || lines.some((line) => line.lane === lane));
  const option = useMemo(() => {
    const tip = (line: Line) => `${t(`kind.${line.item.kind}`, { defaultValue: line.item.kind })}: ${what(line.item)}\n${instant(line.from)}${line.to > line.from ? ` – ${instant(line.to)}` : ""}`;
    return timeline({ lines, stretch, marks, selected, lanes: present, laneName: (lane) => t(`lane.${lane}`), noTrace: t("itinerary.noTrace"), tip, name: ({ item }) => what(item), day: shortDay, time, dark });
    // The words change with the language alone.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [lines, stretch, marks, selected, locale, dark, t]);
  return (
    <figure style={{ margin: 0 }} data-part="timeline">
      <Chart
        option={option}
        height={58 + Math.max(1, marks.length) * 14 + present.length * 38}
        label={t("itinerary.timelineLabel", { from: instant(stretch.from), to: instant(stretch.to), n: lines.length })}
        onClick={({ data }) => {
          const index = typeof data === "object" && data !== null && "index" in data ? data.index : undefined;
          if (typeof index === "number") select?.([index]);
        }}
      />
      <Key dark={dark} />
    </figure>
  );
}

function Key({ dark }: { dark: boolean }) {
  const { t } = useTranslation("control");
  const { contradiction, doubt, line } = colours(dark);
  const hatched = `repeating-linear-gradient(135deg, ${line} 0 1px, transparent 1px 5px)`;
  const swatches: [string, React.CSSProperties][] = [
    ["gap", { border: `1px dashed ${line}`, background: hatched }],
    ["doubtful", { border: `2px dashed ${doubt}` }],
    ["contradiction", { border: `2px solid ${contradiction}` }],
  ];
  return (
    <figcaption>
      <ul className="control-key">
        {swatches.map(([name, style]) => (
          <li key={name}>
            <span className="control-swatch" style={style} aria-hidden /> {t(`key.${name}`)}
          </li>
        ))}
        <li>
          <Typography.Text type="secondary">{t("key.zoom")}</Typography.Text>
        </li>
      </ul>
    </figcaption>
  );
}
