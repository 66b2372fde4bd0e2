/** The areas of the console: which roles see them, and what is loaded for them on demand. */
import { lazy } from "react";
import type { ComponentType, LazyExoticComponent } from "react";

export interface Area {
  /** First part of the address; the server knows the same names. */
  path: "community" | "control" | "persons" | "review" | "audit" | "feeds" | "me" | "operations" | "figures";
  /** Roles that have it; what a role may not see is not there. */
  roles: string[];
  page: LazyExoticComponent<ComponentType>;
  /** Not in the menu: it is reached from other areas. */
  hidden?: boolean;
}

export const AREAS: Area[] = [
  { path: "community", roles: ["community-worker"], page: lazy(() => import("./areas/community")) },
  { path: "control", roles: ["cdc-tracer"], page: lazy(() => import("./areas/control")) },
  { path: "persons", roles: ["cdc-tracer", "community-worker"], page: lazy(() => import("./areas/persons")) },
  { path: "review", roles: ["data-steward"], page: lazy(() => import("./areas/review")) },
  { path: "audit", roles: ["auditor", "privacy-officer", "cdc-lead"], page: lazy(() => import("./areas/audit")) },
  { path: "feeds", roles: ["department"], page: lazy(() => import("./areas/feeds")) },
  { path: "me", roles: ["resident"], page: lazy(() => import("./areas/me")) },
  { path: "operations", roles: ["operator"], page: lazy(() => import("./areas/operations")) },
  {
    path: "figures",
    roles: ["cdc-analyst", "cdc-lead", "cdc-tracer", "community-worker", "auditor", "privacy-officer", "resident"],
    page: lazy(() => import("./areas/figures")),
  },
];

export function areasOf(role: string | null | undefined): Area[] {
  return AREAS.filter((area) => role && area.roles.includes(role));
}
