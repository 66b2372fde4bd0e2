/** Figures for the public: drafted, verified, edited and released by different people. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { askJson } from "../../api/client";
import type { components } from "../../api/schema";

type Schemas = components["schemas"];
export type Figure = Schemas["FigureView"];
export type Figures = Schemas["Receipted_FigureList"];
type Told = Schemas["Receipted_FigureView"];

export const KINDS = ["residents-by-age", "cases-by-state"] as const;

/** Divisions of one level: districts, townships or communities. */
export const DIVISION_FORM = /^(\d{6}|\d{9}|\d{12})$/;

const KEY = "figures";

export const useReleased = () => useQuery({ queryKey: [KEY, "released"], queryFn: () => askJson<Figures>("/v1/figures/released") });

export const useFigures = () => useQuery({ queryKey: [KEY, "all"], queryFn: () => askJson<Figures>("/v1/figures") });

function useStep<Body>(step: (body: Body) => Promise<Told>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: step, onSuccess: () => queries.invalidateQueries({ queryKey: [KEY] }) });
}

export const useDraft = () => useStep((body: { kind: string; rows: string[] }) => askJson<Told>("/v1/figures", body));
export const useVerify = (id: string) => useStep(() => askJson<Told>(`/v1/figures/${id}/verify`, {}));
export const useEdit = (id: string) => useStep((body: { title: string; note: string }) => askJson<Told>(`/v1/figures/${id}/edit`, body));
export const useRelease = (id: string) => useStep(() => askJson<Told>(`/v1/figures/${id}/release`, {}));
