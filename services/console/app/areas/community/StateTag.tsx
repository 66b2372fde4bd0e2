import { Tag } from "antd";
import { useTranslation } from "react-i18next";
import type { State } from "./followUps";

const COLOURS: Record<State, string> = {
  to_notify: "blue",
  notified: "cyan",
  not_reached: "orange",
  refused: "volcano",
  quarantined: "purple",
  released: "green",
  covered: "default",
  period_over: "default",
  died: "default",
  not_this_person: "default",
  moved_away: "default",
  withdrawn: "default",
};

export function StateTag({ state, overdue }: { state: State; overdue?: boolean }) {
  const { t } = useTranslation("community");
  return (
    <>
      <Tag color={COLOURS[state]} data-state={state}>{t(`state.${state}`)}</Tag>
      {overdue && <Tag color="red" variant="outlined">{t("task.overdue")}</Tag>}
    </>
  );
}
