/** Light or dark, moving or still: as the system has it; the first until the visitor chooses. */
import { useSyncExternalStore } from "react";

const KEY = "isthmus-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function isDark(): boolean {
  const kept = localStorage.getItem(KEY);
  return kept ? kept === "dark" : system.matches;
}

function tell(): void {
  document.documentElement.classList.toggle("dark", isDark());
  for (const listener of listeners) listener();
}

system.addEventListener("change", tell);
document.documentElement.classList.toggle("dark", isDark());

export function useDark(): boolean {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, isDark);
}

export function setDark(dark: boolean): void {
  localStorage.setItem(KEY, dark ? "dark" : "light");
  tell();
}

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Whether the system asks for as little motion as possible (WCAG 2.2, 2.3.3). */
export function useStill(): boolean {
  return useSyncExternalStore((listener) => {
    still.addEventListener("change", listener);
    return () => still.removeEventListener("change", listener);
  }, () => still.matches);
}
