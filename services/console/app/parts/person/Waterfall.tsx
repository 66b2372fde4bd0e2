/** Why two records were taken for one person, as a table that is a picture at the same time: each field adds or takes bits. */
import { Tooltip } from "antd";
import { Version } from "../Version";
import "./person.css";
import type { PartView } from "./questions";
import { usePersonWords } from "./words";

interface Props {
  parts: PartView[];
  weight: number;
  link: number;
  review: number;
  model: string;
}

export function Waterfall({ parts, weight, link, review, model }: Props) {
  const { t, format, part, level, bits } = usePersonWords();
  let sum = 0;
  const steps = parts.map((one) => {
    const change = one.weight + (one.frequency ?? 0);
    const from = sum;
    sum += change;
    return { ...one, change, from, to: sum };
  });
  const ends = [0, weight, link, review, ...steps.flatMap((step) => [step.from, step.to])];
  const low = Math.min(...ends) - 1;
  const high = Math.max(...ends) + 1;
  const at = (value: number) => `${((value - low) / (high - low)) * 100}%`;
  const bar = (from: number, to: number, kind: string) => (
    <div className="track" aria-hidden>
      <span className="line review" style={{ insetInlineStart: at(review) }} />
      <span className="line" style={{ insetInlineStart: at(link) }} />
      <span className={`bar ${kind}`} style={{ insetInlineStart: at(Math.min(from, to)), width: `${(Math.abs(to - from) / (high - low)) * 100}%` }} />
    </div>
  );
  return (
    <div data-waterfall>
      <table className="waterfall">
        <caption className="visually-hidden">{t("waterfall.caption")}</caption>
        <thead>
          <tr>
            <th scope="col" className="what">
              {t("waterfall.field")}
            </th>
            <th scope="col" className="bits">
              {t("waterfall.bits")}
            </th>
            <th scope="col" className="bits">
              {t("waterfall.sum")}
            </th>
            <td className="track-cell" />
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => {
            const picture = bar(step.from, step.to, step.field === "prior" ? "start" : step.change < 0 ? "against" : "for");
            return (
              <tr key={step.field}>
                <th scope="row">
                  <Tooltip title={t(`partHelp.${step.field}`, { defaultValue: "" })}>
                    <span tabIndex={step.field === "prior" || step.field === "kinship" ? 0 : undefined}>
                      {part(step.field)}
                      {level(step.level) && `: ${level(step.level)}`}
                    </span>
                  </Tooltip>
                  {(step.frequency ?? 0) > 0.05 && <div className="mark quiet">{t("waterfall.rarity", { bits: bits(step.frequency ?? 0) })}</div>}
                  <div className="narrow-bar">{picture}</div>
                </th>
                <td className="bits">{bits(step.change)}</td>
                <td className="bits mark quiet">{bits(step.to)}</td>
                <td className="track-cell">{picture}</td>
              </tr>
            );
          })}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">
              {t("waterfall.total")}
              <div className="narrow-bar">{bar(0, weight, "total")}</div>
            </th>
            <td className="bits" />
            <td className="bits" data-weight={weight}>
              {bits(weight)}
            </td>
            <td className="track-cell">{bar(0, weight, "total")}</td>
          </tr>
        </tfoot>
      </table>
      <div className="waterfall-key">
        <span>{t(weight >= link ? "waterfall.linked" : weight >= review ? "waterfall.between" : "waterfall.below")}</span>
        <span>
          <i />
          {t("waterfall.link", { weight: format.number(link, 1) })}
        </span>
        <span>
          <i className="review" />
          {t("waterfall.review", { weight: format.number(review, 1) })}
        </span>
        <span>{t(weight < 0 ? "waterfall.oddsAgainst" : "waterfall.odds", { odds: format.number(2 ** Math.abs(weight)) })}</span>
        <span>{t("waterfall.model")}<Version of={model} /></span>
      </div>
    </div>
  );
}
