import { getSettings } from "@/settings/read";

/** At start: settings that can't be used end the process now, not a visitor's request later. */
export function register(): void {
  if (process.env.NEXT_RUNTIME === "nodejs") getSettings();
}
