/** Names of persons whom a page knows by their ids: asked for when the visitor wants them, because that is a look on record. */
import { UserOutlined } from "@ant-design/icons";
import { Button, Tooltip, Typography } from "antd";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { askJson, Problem } from "../../api/client";
import { useFormat } from "../../parts/format";
import type { Schemas } from "../../parts/person/questions";
import { ProblemAlert } from "../../parts/states";

/** Forgotten with everything else when the task changes. */
const KEY = ["control", "names"];
/** Persons whom one call names at most. */
const PERSONS = 200;

type Names = Record<string, string>;

/** The names that were asked for, by person. */
export function useNames(): Names {
  return useQuery<Names>({ queryKey: KEY, queryFn: () => ({}) }).data ?? {};
}

/** Names by the ids asked for; none of those who are withheld. */
async function namesOf(persons: string[]): Promise<Names> {
  const nameless = Object.fromEntries(persons.map((id) => [id, ""]));
  try {
    const { cards } = await askJson<Schemas["Receipted_CardList"]>("/v1/persons/cards", { persons });
    return { ...nameless, ...Object.fromEntries(cards.map((card) => [card.asked_for ?? card.person_id, card.identity?.name ?? ""])) };
  } catch (error) {
    // None of them is the visitor's.
    if (error instanceof Problem && error.code === "person-not-found") return nameless;
    throw error;
  }
}

/** Who is on the page, those in front first. */
export function AskNames({ ids }: { ids: string[] }) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  const queries = useQueryClient();
  const names = useNames();
  const unnamed = [...new Set(ids)].filter((id) => names[id] === undefined);
  const ask = useMutation({
    mutationFn: () => namesOf(unnamed.slice(0, PERSONS)),
    onSuccess: (found) => queries.setQueryData<Names>(KEY, (known) => ({ ...known, ...found })),
  });
  if (ids.length === 0) return null;
  const now = Math.min(unnamed.length, PERSONS);
  return (
    <>
      {unnamed.length > 0 ? (
        <Tooltip title={t("names.help", { count: now, n: number(now) })}>
          <Button icon={<UserOutlined />} loading={ask.isPending} onClick={() => ask.mutate()} data-names={unnamed.length}>
            {t("names.show")}
          </Button>
        </Tooltip>
      ) : (
        <Typography.Text type="secondary" data-names="0">{t("names.shown")}</Typography.Text>
      )}
      {ask.isError && <ProblemAlert error={ask.error} />}
    </>
  );
}
