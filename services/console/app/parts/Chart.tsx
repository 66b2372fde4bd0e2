/** A chart of ECharts, loaded on demand, in the colours of the theme, with a text for those who do not see it. */
import { useEffect, useRef } from "react";
import type { EChartsCoreOption, EChartsType } from "echarts/core";
import { useDark } from "../theme";

interface Props {
  option: EChartsCoreOption;
  /** What the chart shows, in a sentence. */
  label: string;
  height?: number;
  onClick?: (parameters: { name: string; data: unknown; dataType?: string }) => void;
}

export function Chart({ option, label, height = 320, onClick }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType>(undefined);
  const click = useRef(onClick);
  click.current = onClick;
  const latest = useRef(option);
  latest.current = option;
  const dark = useDark();
  useEffect(() => {
    let gone = false;
    let observer: ResizeObserver | undefined;
    void import("./echarts").then(({ init }) => {
      if (gone || !place.current) return;
      const made = init(place.current, dark ? "dark" : undefined, { renderer: "canvas" });
      made.setOption({ backgroundColor: "transparent", ...latest.current });
      made.on("click", (parameters) => click.current?.(parameters as never));
      observer = new ResizeObserver(() => {
        // Drawn anew only for another size: in between, the canvas is empty.
        const { clientWidth, clientHeight } = made.getDom();
        if (clientWidth !== made.getWidth() || clientHeight !== made.getHeight()) made.resize();
      });
      observer.observe(place.current);
      chart.current = made;
    });
    return () => {
      gone = true;
      observer?.disconnect();
      chart.current?.dispose();
      chart.current = undefined;
    };
  }, [dark]);
  useEffect(() => {
    // The series are others, but what the visitor zoomed to stays.
    chart.current?.setOption({ backgroundColor: "transparent", ...option }, { replaceMerge: ["series", "xAxis", "yAxis", "legend"] });
  }, [option]);
  return <div ref={place} className="chart" style={{ height }} role="img" aria-label={label} />;
}
