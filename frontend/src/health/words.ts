import type { CheckResult } from "@/api/client";

import type { Failure, Overall } from "./observation";

/** A title and a sentence for each state of the whole. */
export const OVERALL: Readonly<Record<Overall, { title: string; sentence: string }>> = {
  checking: { title: "Asking how things are", sentence: "The first answer is on its way." },
  healthy: { title: "All is well", sentence: "Every part of Delight works as it should." },
  degraded: {
    title: "Mostly well",
    sentence: "Delight works; a part of it does not. What depends on that part has to wait.",
  },
  unhealthy: {
    title: "Not well",
    sentence: "A part that everything needs does not work. We expect most requests to fail.",
  },
  unreachable: {
    title: "The API can’t be reached",
    sentence: "These pages work, but what stands behind them does not answer.",
  },
};

const NAMES: Readonly<Record<string, string>> = {
  database: "Database",
  redis: "Redis",
  clerk: "Sign-in (Clerk)",
};

/** What the API is known to depend on: these have their place before the first answer. */
export const EXPECTED: readonly string[] = Object.keys(NAMES);

/** What people call a dependency. */
export function nameOf(check: string): string {
  return NAMES[check] ?? check.charAt(0).toUpperCase() + check.slice(1);
}

export const CHECK: Readonly<Record<CheckResult["status"], string>> = {
  connected: "Connected",
  configured: "Configured",
  disconnected: "No connection",
  error: "Error",
};

export function failureSentence(reason: Failure): string {
  if (reason === "unreachable") return "No connection: the network, or the API, is down.";
  if (reason === "slow") return "No answer in time.";
  return `Something else answered, with status ${reason.status}.`;
}

/** Milliseconds as people read them: one decimal below 10. */
export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
