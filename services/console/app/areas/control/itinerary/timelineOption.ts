/** The line of time as ECharts draws it. */
import type { CustomSeriesRenderItemAPI, CustomSeriesRenderItemParams, CustomSeriesRenderItemReturn } from "echarts";
import type { EChartsCoreOption } from "echarts/core";
import { startOfDay } from "../../../parts/city";
import type { Stretch } from "../questions";
import { doubtOf, silences, type Lane, type Line } from "./lines";

export interface Mark {
  name: string;
  at: number;
}

interface Input {
  lines: Line[];
  stretch: Stretch;
  marks: Mark[];
  selected: number[];
  lanes: Lane[];
  laneName: (lane: Lane) => string;
  noTrace: string;
  tip: (line: Line) => string;
  /** What stands on a bar that is long enough. */
  name: (line: Line) => string;
  day: (at: number) => string;
  time: (at: number) => string;
  dark: boolean;
}

export function colours(dark: boolean) {
  return {
    text: dark ? "#d9d9d9" : "#262626",
    line: dark ? "#8c8c8c" : "#8c8c8c",
    contradiction: dark ? "#ff7875" : "#cf1322",
    doubt: dark ? "#ffc53d" : "#d46b08",
    selected: dark ? "#ffffff" : "#002329",
    lanes: {
      stay: dark ? "#2fa3a9" : "#0b6e75",
      trip: dark ? "#69b1ff" : "#1677ff",
      encounter: dark ? "#b37feb" : "#722ed1",
      test: dark ? "#95de64" : "#389e0d",
      payment: dark ? "#ffd666" : "#ad8b00",
      gate: dark ? "#a6adb4" : "#5c6b73",
    } satisfies Record<Lane, string>,
  };
}

const BAR = 20;
/** A line that is shorter than this is still drawn and hit. */
const LEAST = 4;
/** Lines of a hatching, five pixels apart. */
const HATCH = 6;

/** Height of a row of names above the line of time. */
const MARK_ROW = 14;

interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** About how wide words are, with some room around them. */
const wordWidth = (words: string) => [...words].reduce((width, letter) => width + (letter > "\u2e7f" ? 12 : 6.5), 16);

/** Diagonals within a rectangle. */
function hatching({ x, y, width, height }: Rectangle, stroke: string): CustomSeriesRenderItemReturn[] {
  const lines: CustomSeriesRenderItemReturn[] = [];
  for (let at = 0; at < width + height; at += HATCH) {
    const [fromX, toX] = [Math.max(0, at - height), Math.min(width, at)];
    lines.push({ type: "line", silent: true, shape: { x1: x + fromX, y1: y + (at - fromX), x2: x + toX, y2: y + (at - toX) }, style: { stroke, lineWidth: 1, opacity: 0.45 } });
  }
  return lines;
}

export function timeline({ lines, stretch, marks, selected, lanes, laneName, noTrace, tip, name, day, time, dark }: Input): EChartsCoreOption {
  const colour = colours(dark);
  const [min, max] = [Date.parse(stretch.from), Date.parse(stretch.to)];
  const isPositive = (line: Line) => line.item.what?.kind === "test" && line.item.what.result === "POSITIVE";
  const freeUntil = (line: Line) => lines.reduce((until, other) => (other.lane === line.lane && other.from > line.from && other.from < until ? other.from : until), line.to);
  const draw = (parameters: CustomSeriesRenderItemParams, api: CustomSeriesRenderItemAPI): CustomSeriesRenderItemReturn => {
    const line = lines[parameters.dataIndex];
    if (!line) return { type: "group", children: [] };
    const lane = lanes.indexOf(line.lane);
    const [start, middle] = api.coord([line.from, lane]);
    const [end] = api.coord([line.to, lane]);
    const isSelected = selected.includes(line.index);
    const doubt = doubtOf(line);
    const edge = isSelected
      ? { stroke: colour.selected, lineWidth: 3 }
      : doubt === "contradiction"
        ? { stroke: colour.contradiction, lineWidth: 2 }
        : doubt
          ? { stroke: colour.doubt, lineWidth: 2, lineDash: [4, 3] }
          : { lineWidth: 0 };
    if (start === undefined || middle === undefined || end === undefined) return { type: "group", children: [] };
    if (line.from === line.to) {
      const fill = isPositive(line) ? colour.contradiction : colour.lanes[line.lane];
      return {
        type: "group",
        children: [
          { type: "circle", shape: { cx: start, cy: middle, r: isPositive(line) ? 8 : 6 }, style: { fill, ...edge } },
          ...(isPositive(line) ? [{ type: "text" as const, silent: true, style: { text: "+", x: start, y: middle, align: "center" as const, verticalAlign: "middle" as const, fill: "#fff", fontWeight: "bold" as const, fontSize: 13 } }] : []),
        ],
      };
    }
    // Two that contradict each other claim the same time: one is drawn above the other.
    const half = line.against.some(({ line: other }) => lines[other]?.lane === line.lane);
    const lower = half && line.against.some(({ line: other }) => other < line.index);
    const area = "x" in parameters.coordSys && "width" in parameters.coordSys ? parameters.coordSys : undefined;
    const [west, east] = [Number(area?.x ?? 0), Number(area?.x ?? 0) + Number(area?.width ?? Infinity)];
    if (end < west || start > east) return { type: "group", children: [] };
    const left = Math.max(start, west);
    const width = Math.max(LEAST, Math.min(end, east) - left);
    const shape = { x: left, y: middle - BAR / 2 + (lower ? BAR / 2 : 0), width, height: half ? BAR / 2 - 1 : BAR };
    if (line.item.kind === "gap") {
      const children: CustomSeriesRenderItemReturn[] = [
        { type: "rect", shape, style: { fill: "rgba(128,128,128,0.06)", stroke: isSelected ? colour.selected : colour.line, lineWidth: isSelected ? 3 : 1, lineDash: [3, 3] } },
        ...hatching(shape, colour.line),
      ];
      if (width > wordWidth(noTrace)) {
        children.push({ type: "text", silent: true, style: { text: noTrace, x: left + width / 2, y: middle, align: "center", verticalAlign: "middle", fill: colour.text, fontSize: 12, backgroundColor: dark ? "#141414" : "#f5f5f5", padding: [1, 6] } });
      }
      return { type: "group", children: children as never };
    }
    const opacity = line.item.confidence ? 0.45 + 0.55 * line.item.confidence : 0.9;
    const bar = { type: "rect" as const, shape: { ...shape, r: 3 }, style: { fill: colour.lanes[line.lane], opacity, ...edge } };
    const sign = doubt === "contradiction" ? "!" : doubt ? "?" : "";
    // What begins before the end of this one covers it from there on.
    const covered = api.coord([freeUntil(line), lane])[0] ?? end;
    const room = Math.min(width, covered - left);
    const label = room < 64 || half ? sign : `${sign} ${name(line)}`.trim();
    // The hours that nobody saw.
    const shading = silences(line).flatMap(([since, until]) => {
      const [begin, finish] = [api.coord([since, lane])[0] ?? left, api.coord([until, lane])[0] ?? left];
      const [x, right] = [Math.max(begin, left), Math.min(finish, left + width)];
      if (right <= x) return [];
      const part = { ...shape, x, width: right - x };
      return [{ type: "rect" as const, silent: true, shape: part, style: { fill: dark ? "#000" : "#fff", opacity: 0.35 } }, ...hatching(part, dark ? "#000" : "#fff")];
    });
    if (!label || room < 12) return { type: "group", children: [bar, ...shading] as never };
    const text = { text: label, x: left + 6, y: shape.y + shape.height / 2, width: room - 8, overflow: "truncate" as const, verticalAlign: "middle" as const, fill: dark ? "#000" : "#fff", fontSize: 11 };
    return { type: "group", children: [bar, ...shading, { type: "text", silent: true, style: text }] as never };
  };
  return {
    aria: { enabled: false },
    animation: false,
    grid: { left: 86, right: 16, top: 8 + Math.max(1, marks.length) * MARK_ROW, bottom: 46 },
    tooltip: {
      renderMode: "richText",
      confine: true,
      formatter: ({ dataIndex }: { dataIndex: number }) => {
        const line = lines[dataIndex];
        return line ? tip(line) : "";
      },
    },
    xAxis: { type: "time", min, max, axisLabel: { hideOverlap: true, formatter: (at: number) => (at === startOfDay(at) ? day(at) : time(at)), color: colour.text }, splitLine: { show: true, lineStyle: { opacity: 0.35 } } },
    yAxis: { type: "category", inverse: true, data: lanes.map(laneName), axisTick: { show: false }, axisLine: { show: false }, axisLabel: { color: colour.text, width: 78, overflow: "truncate" }, splitLine: { show: true, lineStyle: { opacity: 0.25 } } },
    dataZoom: [
      { type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, moveOnMouseMove: true, minValueSpan: 3_600_000 },
      { type: "slider", filterMode: "none", height: 16, bottom: 6, showDetail: false, minValueSpan: 3_600_000 },
    ],
    series: [
      {
        type: "custom",
        clip: true,
        renderItem: draw,
        encode: { x: [0, 1], y: 2 },
        data: lines.map((line) => ({ value: [line.from, line.to, lanes.indexOf(line.lane)], index: line.index })),
        markLine: {
          silent: true,
          symbol: "none",
          lineStyle: { color: colour.contradiction, type: "dashed", width: 1.5 },
          label: { color: colour.text, position: "start", fontSize: 11, formatter: ({ name }: { name: string }) => name },
          // Each name on a row of its own: marks of one day would stand on each other.
          data: marks.filter(({ at }) => at >= min && at <= max).map(({ name, at }, row) => ({ name, xAxis: at, label: { distance: 3 + row * MARK_ROW } })),
        },
      },
    ],
  };
}
