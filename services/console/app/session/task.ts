/** What the visitor is working on: purpose and case, which go with every question. Asked once, shown all the time. */
import { useSyncExternalStore } from "react";

export type Purpose = "TREAT" | "ETREAT" | "PUBHLTH" | "HOPERAT" | "PATRQT" | "HRESCH";

export interface Task {
  purpose: Purpose;
  caseReference?: string;
  /** The emergency grant that is invoked. */
  grant?: string;
}

/** The purposes that a role may state; the first is offered. */
export const PURPOSES: Record<string, Purpose[]> = {
  "community-worker": ["PUBHLTH", "HOPERAT"],
  "cdc-tracer": ["PUBHLTH"],
  auditor: ["HOPERAT"],
  "privacy-officer": ["HOPERAT"],
  "cdc-lead": ["HOPERAT"],
  "cdc-analyst": ["HOPERAT"],
  resident: ["PATRQT"],
  "data-steward": ["HOPERAT"],
  department: [],
  operator: ["HOPERAT"],
  subscriber: ["HOPERAT"],
};

/** Whether a role works on cases, and so has to name one. */
export const NEEDS_CASE = new Set(["cdc-tracer"]);

/** Roles that emergency grants are given to. */
export const MAY_INVOKE = new Set(["cdc-tracer", "community-worker"]);

export const GRANT_FORM = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const CASE_FORM = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?!.*\d{11})[A-Za-z0-9\-_./]{3,64})$/;

const KEY = "isthmus-task";
const listeners = new Set<() => void>();
let task: Task | undefined = read();

function read(): Task | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

export function currentTask(): Task | undefined {
  return task;
}

export function setTask(next: Task | undefined): void {
  task = next;
  if (next) sessionStorage.setItem(KEY, JSON.stringify(next));
  else sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

export function useTask(): Task | undefined {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentTask);
}
