"use client";

import { useEffect, useReducer, useState, useSyncExternalStore } from "react";

import { observe, remember, type Observation } from "./observation";
import { startPolling } from "./polling";

/** What the page has seen of the API, and a way to look again now. Nothing is asked while hidden. */
export function useHealth(apiUrl: string | null) {
  const [observations, setObservations] = useState<readonly Observation[]>([]);
  const [attempt, retry] = useReducer((count: number) => count + 1, 0);
  const visible = useVisible();

  useEffect(() => {
    if (!visible) return;
    return startPolling(async (signal) => {
      const seen = await observe(apiUrl, signal);
      if (!signal.aborted) setObservations((all) => remember(all, seen));
      return seen.kind === "answer";
    });
  }, [apiUrl, visible, attempt]);

  return { observations, retry };
}

/** Is the page seen, that is, not in a tab behind another? */
function useVisible(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => document.visibilityState === "visible",
    () => false,
  );
}

function subscribe(onChange: () => void): () => void {
  document.addEventListener("visibilitychange", onChange);
  return () => document.removeEventListener("visibilitychange", onChange);
}
