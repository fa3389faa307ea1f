import type { components } from "../../src/api/schema";

type DetailedHealth = components["schemas"]["DetailedHealth"];

/** An answer of the backend, as it is when all is well. */
export function health(changes: Partial<DetailedHealth> = {}): DetailedHealth {
  return {
    status: "healthy",
    timestamp: "2026-01-01T12:00:00Z",
    version: "0.1.0",
    release: "v7-0123456789",
    checks: {
      database: { status: "connected", response_time_ms: 1.4 },
      redis: { status: "connected", response_time_ms: 0.6 },
      clerk: { status: "configured" },
    },
    ...changes,
  };
}

/** The same while Redis is away. */
export function degraded(): DetailedHealth {
  const checks = {
    ...health().checks,
    redis: { status: "disconnected" as const, response_time_ms: 3.2, error: "connection refused" },
  };
  return health({ status: "degraded", checks });
}

/** The same while the database is away; it comes with status 503. */
export function unhealthy(): DetailedHealth {
  const checks = {
    ...health().checks,
    database: {
      status: "disconnected" as const,
      response_time_ms: 2000.3,
      error: "no answer within 2 s",
    },
  };
  return health({ status: "unhealthy", checks });
}
