import type { components } from "./schema";

export type DetailedHealth = components["schemas"]["DetailedHealth"];
export type CheckResult = components["schemas"]["CheckResult"];
export type User = components["schemas"]["UserRead"];
type Problem = components["schemas"]["Problem"];

/** An answer that is none of the expected: from the API with a code and an id, or from a proxy. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string | null = null,
    readonly requestId: string | null = null,
  ) {
    super(`the API answered with status ${status}`);
  }
}

/**
 * The detailed health. "Unhealthy" comes with status 503 and is an answer like the others.
 *
 * @param apiUrl origin of the API; null is the page's own
 * @throws ApiError if something else answers; TypeError if nothing does
 */
export async function readHealth(
  apiUrl: string | null,
  signal: AbortSignal,
): Promise<DetailedHealth> {
  const response = await get(apiUrl, "/api/v1/health/detailed", signal);
  const body = await json(response);
  if ((response.ok || response.status === 503) && isDetailedHealth(body)) return body;
  throw problem(response, body);
}

/**
 * The signed-in user.
 *
 * @param token Clerk's session token
 * @throws ApiError, status 401 if the token does not count; TypeError if nothing answers
 */
export async function readMe(
  apiUrl: string | null,
  token: string,
  signal: AbortSignal,
): Promise<User> {
  const response = await get(apiUrl, "/api/v1/users/me", signal, {
    authorization: `Bearer ${token}`,
  });
  const body = await json(response);
  if (response.ok && isRecord(body)) return body as User;
  throw problem(response, body);
}

/** Cookies do not count for the API, so none are sent. */
function get(
  apiUrl: string | null,
  path: string,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${apiUrl ?? ""}${path}`, {
    cache: "no-store",
    credentials: "omit",
    headers: { accept: "application/json", ...headers },
    signal,
  });
}

/** The body, or null if it is no JSON: a proxy's error page, say. */
async function json(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function problem(response: Response, body: unknown): ApiError {
  const { code, request_id: requestId } = (isRecord(body) ? body : {}) as Partial<Problem>;
  return new ApiError(response.status, code ?? null, requestId ?? null);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDetailedHealth(value: unknown): value is DetailedHealth {
  return (
    isRecord(value) &&
    ["healthy", "degraded", "unhealthy"].includes(value.status as string) &&
    typeof value.release === "string" &&
    isRecord(value.checks) &&
    Object.values(value.checks).every(
      (check) => isRecord(check) && typeof check.status === "string",
    )
  );
}
