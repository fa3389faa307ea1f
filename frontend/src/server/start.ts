import { getSettings, SettingsError } from "@/settings/read";

import { watchConnections } from "./connections";

/** What a process does before its first request. */
export function start(): void {
  checkSettings();
  // Next's own server ends by itself after SIGTERM; where it does not run, a platform stops us.
  if (process.listenerCount("SIGTERM") > 0) process.once("SIGTERM", watchConnections());
}

/**
 * Settings that can't be used end the process now, not a visitor's request later. Thrown, the error
 * would be said again and again by a server that stays.
 */
function checkSettings(): void {
  try {
    getSettings();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
