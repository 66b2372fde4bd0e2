import type { ReactNode } from "react";
import { Failed, Loading } from "../../parts/states";
import { useClock } from "./time";

/** Shows what goes by the clock of the city once it is known, and never by another one. */
export function Clocked({ children }: { children: (now: number) => ReactNode }) {
  const { now, isPending, error, retry } = useClock();
  if (error) return <Failed error={error} retry={retry} />;
  return isPending ? <Loading rows={2} /> : children(now);
}
