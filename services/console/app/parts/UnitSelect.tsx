/** Chooses a community unit out of those that exist; the hub tells their codes and nothing of who lives there. */
import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useTranslation } from "react-i18next";
import { askJson } from "../api/client";
import type { components } from "../api/schema";

type Units = components["schemas"]["Receipted_UnitList"];

const units = async (within?: string) => {
  const found: Units["units"] = [];
  let after: string | null | undefined;
  do {
    const members = new URLSearchParams({ ...(within && { within }), ...(after && { after }) }).toString();
    const page: Units = await askJson(`/v1/units${members && `?${members}`}`);
    found.push(...page.units);
    after = page.next;
  } while (after);
  // A page may repeat the units above its first home.
  return [...new Map(found.map((one) => [one.unit, one])).values()];
};

interface Props {
  /** Only units of this one. */
  within?: string;
  /** A unit that is no choice. */
  without?: string | null;
  id?: string;
  value?: string;
  onChange?: (unit: string) => void;
}

export function UnitSelect({ within, without, ...field }: Props) {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: ["units", within ?? ""], queryFn: () => units(within), staleTime: 300_000 });
  // Whoever takes over is a neighbourhood or a grid of it.
  const all = (query.data ?? []).filter(({ unit, level }) => unit !== without && level !== "district" && level !== "township");
  return (
    <Select
      {...field}
      showSearch={{ optionFilterProp: "value" }}
      loading={query.isPending}
      status={query.isError ? "error" : undefined}
      placeholder={t("unitLevel.choose")}
      options={all.map(({ unit, level }) => ({ value: unit, label: `${unit} · ${t(`unitLevel.${level}`, { defaultValue: level })}` }))}
    />
  );
}
