/** Names of persons whom a page knows by their ids: asked for when the visitor wants them, because each name is a look on record. */
import { UserOutlined } from "@ant-design/icons";
import { Button, Tooltip, Typography } from "antd";
import { useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { askJson } from "../../api/client";
import { useFormat } from "../../parts/format";
import { ProblemAlert } from "../../parts/states";
import type { FollowUpList, PersonFile } from "./model";

/** Forgotten with everything else when the task changes. */
const KEY = ["control", "names"];
/** Files that one click opens at most. */
const LOOKS = 20;
const AT_ONCE = 4;

type Names = Record<string, string>;

/** The names that were asked for, by person. */
export function useNames(): Names {
  return useQuery<Names>({ queryKey: KEY, queryFn: () => ({}) }).data ?? {};
}

function keep(queries: QueryClient, found: Names) {
  queries.setQueryData<Names>(KEY, (known) => ({ ...known, ...found }));
}

/** Those whom the communities of a case were told of have names in one look. */
async function ofFollowUps(id: string): Promise<Names> {
  const { follow_ups } = await askJson<FollowUpList>(`/v1/cases/${id}/follow-ups?limit=200`);
  return Object.fromEntries(follow_ups.flatMap(({ person_id, identity }) => (person_id && identity?.name ? [[person_id, identity.name]] : [])));
}

interface Props {
  /** Who is on the page, those in front first. */
  ids: string[];
  /** The case that they were contacts of. */
  ofCase?: string;
}

export function AskNames({ ids, ofCase }: Props) {
  const { t } = useTranslation("control");
  const { number } = useFormat();
  const queries = useQueryClient();
  const names = useNames();
  const unnamed = (known: Names) => [...new Set(ids)].filter((id) => known[id] === undefined);
  const ask = useMutation({
    mutationFn: async () => {
      if (ofCase && !queries.getQueryData([...KEY, ofCase])) {
        queries.setQueryData([...KEY, ofCase], true);
        keep(queries, await ofFollowUps(ofCase));
      }
      const wanted = unnamed(queries.getQueryData<Names>(KEY) ?? {}).slice(0, LOOKS);
      const next = async (): Promise<void> => {
        const id = wanted.shift();
        if (!id) return;
        const { identity } = await askJson<PersonFile>(`/v1/persons/${id}`);
        keep(queries, { [id]: identity?.name?.value ?? "" });
        return next();
      };
      await Promise.all(Array.from({ length: AT_ONCE }, next));
    },
  });
  const left = unnamed(names).length;
  if (ids.length === 0) return null;
  return (
    <>
      {left > 0 ? (
        <Tooltip title={t("names.help", { n: number(Math.min(left, LOOKS)) })}>
          <Button icon={<UserOutlined />} loading={ask.isPending} onClick={() => ask.mutate()} data-names={left}>
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
