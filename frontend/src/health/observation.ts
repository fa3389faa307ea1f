import { ApiError, readHealth, type CheckResult, type DetailedHealth } from "@/api/client";

/** What one look at the API showed. Times are in milliseconds, `at` since the epoch. */
export type Observation =
  | { readonly kind: "answer"; at: number; roundTrip: number; health: DetailedHealth }
  | { readonly kind: "failure"; at: number; reason: Failure };

/** Nothing answers, nothing answers in time, or something else than the API does. */
export type Failure = "unreachable" | "slow" | { readonly status: number };

/** How the whole is: the API's own word, or what the page knows without it. */
export type Overall = DetailedHealth["status"] | "unreachable" | "checking";

/** How long the page remembers. */
export const SPAN = 5 * 60_000;

/** How long the API gets to answer. */
export const PATIENCE = 8_000;

/** Ask once; whatever happens becomes an observation. */
export async function observe(apiUrl: string | null, signal: AbortSignal): Promise<Observation> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), PATIENCE);
  const began = performance.now();
  try {
    const health = await readHealth(apiUrl, AbortSignal.any([signal, deadline.signal]));
    return { kind: "answer", at: Date.now(), roundTrip: performance.now() - began, health };
  } catch (error) {
    const reason = deadline.signal.aborted
      ? "slow"
      : error instanceof ApiError
        ? { status: error.status }
        : "unreachable";
    return { kind: "failure", at: Date.now(), reason };
  } finally {
    clearTimeout(timer);
  }
}

/** The observations with one more, without those that are older than SPAN. */
export function remember(
  observations: readonly Observation[],
  latest: Observation,
): readonly Observation[] {
  return [...observations.filter(({ at }) => at > latest.at - SPAN), latest];
}

export function overallOf(observations: readonly Observation[]): Overall {
  const latest = observations.at(-1);
  if (latest === undefined) return "checking";
  return latest.kind === "answer" ? latest.health.status : "unreachable";
}

/** The last answer that there was. */
export function lastAnswer(observations: readonly Observation[]) {
  return observations.findLast((observation) => observation.kind === "answer");
}

export function works(check: CheckResult): boolean {
  return check.status === "connected" || check.status === "configured";
}

/** A measured time; null where it failed. */
export interface Point {
  readonly at: number;
  readonly value: number | null;
}

/** Round trips to the API. */
export function roundTrips(observations: readonly Observation[]): Point[] {
  return observations.map((seen) => ({
    at: seen.at,
    value: seen.kind === "answer" ? seen.roundTrip : null,
  }));
}

/** Response times of one dependency, as the API measured them; nothing while the API was away. */
export function responseTimes(observations: readonly Observation[], name: string): Point[] {
  return observations.flatMap((seen) => {
    const check = seen.kind === "answer" ? seen.health.checks[name] : undefined;
    if (check === undefined) return [];
    return [{ at: seen.at, value: works(check) ? (check.response_time_ms ?? null) : null }];
  });
}
