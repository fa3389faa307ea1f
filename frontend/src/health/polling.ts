/** How often to ask, in milliseconds: while it works, and at the longest while it does not. */
export interface Pace {
  readonly interval: number;
  readonly longest: number;
}

export const PACE: Pace = { interval: 5_000, longest: 60_000 };

/** The wait after so many failures in a row: doubled by each. */
export function waitAfter(failures: number, { interval, longest }: Pace): number {
  return Math.min(interval * 2 ** failures, longest);
}

/**
 * Ask again and again until stopped, one question at a time, the first at once. Waits differ by up
 * to a tenth, lest all who look at an outage come back at the same moment.
 *
 * @param ask tells whether it worked; must not throw
 * @returns what stops it, and aborts the open question
 */
export function startPolling(
  ask: (signal: AbortSignal) => Promise<boolean>,
  pace: Pace = PACE,
  random: () => number = Math.random,
): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  async function round(): Promise<void> {
    failures = (await ask(signal)) ? 0 : failures + 1;
    if (signal.aborted) return;
    timer = setTimeout(() => void round(), waitAfter(failures, pace) * (1 + 0.1 * random()));
  }

  void round();
  return () => {
    controller.abort();
    clearTimeout(timer);
  };
}
