/** One file on its way: tried or pushed, its progress, and what came of it. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { DryRun, Receipt } from "./model";
import { pushFile, tryFile } from "./upload";

export interface Sending {
  /** What is on its way. */
  busy?: "try" | "push";
  sent: number;
  total: number;
  tried?: DryRun;
  pushed?: Receipt;
  error?: unknown;
}

const NOTHING: Sending = { sent: 0, total: 0 };

export function useSending(feed: string) {
  const queries = useQueryClient();
  const [state, setState] = useState<Sending>(NOTHING);
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);
  const start = async (kind: "try" | "push", file: Blob, mends?: string) => {
    stop.current?.abort();
    const control = new AbortController();
    stop.current = control;
    setState({ busy: kind, sent: 0, total: file.size });
    const sending = { signal: control.signal, progress: (sent: number, total: number) => setState((now) => ({ ...now, sent, total })) };
    try {
      if (kind === "try") {
        const tried = await tryFile(feed, file, mends, sending);
        setState({ ...NOTHING, tried });
        return;
      }
      const pushed = await pushFile(feed, file, mends, sending);
      for (const key of ["feed-batches", "feed-quality", "feed-failed", "feed-batch"]) queries.removeQueries({ queryKey: [key, feed] });
      setState({ ...NOTHING, pushed });
    } catch (error) {
      if (stop.current === control) setState(control.signal.aborted ? NOTHING : { ...NOTHING, error });
    }
  };
  const clear = () => {
    stop.current?.abort();
    setState(NOTHING);
  };
  return { ...state, start, clear };
}
