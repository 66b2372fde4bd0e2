import { Card } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Chart } from "../../parts/Chart";
import { useFormat } from "../../parts/format";
import { Page, ReceiptTag } from "../../parts/Page";
import { Asked, Empty, Failed, Loading } from "../../parts/states";
import { useDark } from "../../theme";
import type { TownshipRisk, Townships } from "./model";
import { useTownshipDays, useTownships } from "./questions";
import { TownshipMap } from "./TownshipMap";
import { DAY, iso, startOfDay, useClock, useFirstDay } from "./time";
import { AsKnown, InstantInput, KnownThen, LevelTag, Figure, Figures } from "./words";

const DAYS = 14;

/** The risk of townships on a day, how it came to it, and as it was known earlier. */
export function TownshipsPage() {
  const { t } = useTranslation("control");
  const { day, instant } = useFormat();
  const clock = useClock();
  const [chosen, setChosen] = useState<number>();
  const [knownAt, setKnownAt] = useState<string>();
  const at = chosen ?? clock.now;
  const first = useFirstDay();
  const query = useTownships(iso(at), knownAt, !clock.isPending && !(first && at < first));
  const choose = (instant: string | undefined) => setChosen(instant ? Math.min(startOfDay(instant) + DAY - 60_000, Date.now()) : undefined);
  return (
    <Page
      title={t("townships.title", { day: day(at) })}
      extra={
        <>
          <ReceiptTag receipt={query.data?.receipt} />
          <span style={{ flex: 1 }} />
          <InstantInput label={t("townships.on")} kind="day" value={iso(at)} max={Date.now()} note={t("townships.upToToday")} onChange={choose} />
          <AsKnown at={knownAt} change={setKnownAt} />
        </>
      }
    >
      {knownAt && <KnownThen>{t("asKnown.townships", { at: instant(knownAt) })}</KnownThen>}
      {clock.error ? (
        <Failed error={clock.error} retry={clock.retry} />
      ) : clock.isPending ? (
        <Loading />
      ) : first && at < first ? (
        <Empty>{t("townships.before", { day: day(first) })}</Empty>
      ) : (
        <Asked query={query}>
          {(answer) => (
            <>
              <Levels answer={answer} />
              <TownshipMap answer={answer} />
              {answer.townships.length === 0 ? <Empty>{t("townships.none")}</Empty> : <Tiles townships={answer.townships} />}
              <History last={at} knownAt={knownAt} />
            </>
          )}
        </Asked>
      )}
    </Page>
  );
}

function Levels({ answer }: { answer: Townships }) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  const of = (level: string) => answer.townships.filter((one) => one.level === level).length;
  return (
    <Figures>
      <Figure label={t("level.HIGH")} value={number(of("HIGH"))} tone={of("HIGH") > 0 ? "alarm" : undefined} />
      <Figure label={t("level.MEDIUM")} value={number(of("MEDIUM"))} />
      <Figure label={t("level.LOW")} value={number(of("LOW"))} hint={t("townships.othersLow")} />
      {answer.placeless > 0 && <Figure label={t("townships.placeless")} value={number(answer.placeless)} tone="alarm" />}
    </Figures>
  );
}

/** One tile for each township that has a case. */
function Tiles({ townships }: { townships: TownshipRisk[] }) {
  const { t } = useTranslation("control");
  const { number, instant } = useFormat();
  return (
    <div className="control-tiles">
      {townships.map(({ township, name, level, existing, new: fresh, clusters, until }) => (
        <Card key={township} size="small" className={`control-tile ${level}`} data-township={township} title={<h2 className="control-h2 numbers">{name ?? township}</h2>} extra={<LevelTag level={level} />}>
          <Figures>
            <Figure label={t("cases.existing")} value={number(existing)} />
            <Figure label={t("cases.new")} value={number(fresh)} />
            <Figure label={t("cases.clusters")} value={number(clusters)} />
          </Figures>
          <p className="control-note">{until ? t("townships.until", { at: instant(until) }) : t("townships.noEnd")}</p>
        </Card>
      ))}
    </div>
  );
}

/** Fourteen days, each as the rules give it for that day's end. */
function History({ last, knownAt }: { last: number; knownAt?: string }) {
  const { t } = useTranslation("control");
  const { shortDay, number } = useFormat();
  const days = useMemo(() => Array.from({ length: DAYS }, (_, back) => (back === DAYS - 1 ? last : startOfDay(last) - (DAYS - 2 - back) * DAY - 60_000)), [last]);
  const asked = useTownshipDays(days.map(iso), knownAt);
  const isPending = asked.some((one) => one.isPending);
  const codes = [...new Set(asked.flatMap(({ data }) => data?.townships.map(({ township }) => township) ?? []))].sort();
  const nameOf = (code: string) => asked.flatMap(({ data }) => data?.townships ?? []).find(({ township }) => township === code)?.name ?? code;
  const risk = (index: number, code: string) => asked[index]?.data?.townships.find(({ township }) => township === code);
  if (isPending) return <Loading rows={3} />;
  return (
    <Card size="small" style={{ marginTop: 16 }} title={<h2 className="control-h2">{t("townships.history")}</h2>} extra={<ReceiptTag receipt={asked.at(-1)?.data?.receipt} />}>
      <p className="control-note">{t("townships.historyHelp")}</p>
      <div className="control-scroll" tabIndex={0} role="region" aria-label={t("townships.history")} ref={toLast}>
        <table className="control-days" aria-label={t("townships.history")}>
          <thead>
            <tr>
              <th scope="col">{t("case.township")}</th>
              {days.map((at) => (
                <th key={at} scope="col">
                  {shortDay(at)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {codes.map((code) => (
              <tr key={code}>
                <th scope="row" className="numbers" title={code}>
                  {nameOf(code)}
                </th>
                {days.map((at, index) => {
                  const { level, existing, new: fresh } = risk(index, code) ?? { level: "LOW", existing: 0, new: 0 };
                  return (
                    <td key={at} className={level} title={t("townships.cell", { level: t(`level.${level}`), existing, fresh })}>
                      {t(`levelLetter.${level}`)} {number(existing)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {codes.length > 0 && <Curve days={days.map(shortDay)} answers={asked.map(({ data }) => data)} />}
    </Card>
  );
}

/** On a narrow screen the last days are those to begin with. */
function toLast(region: HTMLDivElement | null): void {
  if (region) region.scrollLeft = region.scrollWidth;
}

function Curve({ days, answers }: { days: string[]; answers: (Townships | undefined)[] }) {
  const { t } = useTranslation("control");
  const dark = useDark();
  const option = useMemo(() => {
    const sum = (of: "existing" | "new") => answers.map((answer) => answer?.townships.reduce((sum, one) => sum + one[of], 0) ?? 0);
    return {
      animation: false,
      tooltip: { trigger: "axis", renderMode: "richText" },
      legend: { top: 0, textStyle: { color: dark ? "#d9d9d9" : "#262626" } },
      grid: { left: 40, right: 16, top: 34, bottom: 28 },
      xAxis: { type: "category", data: days },
      yAxis: { type: "value", minInterval: 1 },
      series: [
        { type: "bar", name: t("cases.new"), data: sum("new"), itemStyle: { color: dark ? "#ffc53d" : "#d48806" }, barMaxWidth: 24 },
        { type: "line", name: t("cases.existing"), data: sum("existing"), step: "end", itemStyle: { color: dark ? "#ff7875" : "#cf1322" }, symbolSize: 7 },
      ],
    };
    // Answers are kept, so that their order and number say whether they changed.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [days.join(), answers.map((answer) => answer?.receipt.id).join(), dark, t]);
  return <Chart option={option} height={220} label={t("townships.curve")} />;
}

