import type { components } from "@/api/schema";
import { VERSION } from "@/settings/version";
import { getSettings } from "@/settings/read";

export const dynamic = "force-dynamic";

/** Is the process up, and which release is it? The same form as the backend's health answer. */
export function GET(): Response {
  const health: components["schemas"]["Health"] = {
    status: "healthy",
    timestamp: new Date().toISOString(),
    version: VERSION,
    release: getSettings().RELEASE,
  };
  return Response.json(health, { headers: { "cache-control": "no-store" } });
}
