import { readHealth, readMe } from "./client";

const { signal } = new AbortController();

const HEALTH = {
  status: "unhealthy",
  timestamp: "2026-01-01T00:00:00Z",
  version: "0.1.0",
  release: "v1",
  checks: { database: { status: "disconnected", error: "connection refused" } },
};

/** What the network answers: jsdom has no Response, so one with as much of it as is used. */
function answer(status: number, body: unknown) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const fetch = jest.fn().mockResolvedValue({
    ok: status >= 200 && status < 300,
    status,
    text: () => Promise.resolve(text),
  });
  globalThis.fetch = fetch;
  return fetch;
}

test("asks the page's own origin unless told another", async () => {
  const fetch = answer(200, { ...HEALTH, status: "healthy" });
  await readHealth(null, signal);
  await readHealth("https://api.example.com", signal);
  expect(fetch.mock.calls.map(([url]) => url)).toEqual([
    "/api/v1/health/detailed",
    "https://api.example.com/api/v1/health/detailed",
  ]);
});

test("unhealthy comes with 503 and is an answer", async () => {
  answer(503, HEALTH);
  await expect(readHealth(null, signal)).resolves.toEqual(HEALTH);
});

test.each([
  ["a proxy's page", 503, "<html>503</html>"],
  ["a problem", 503, { status: 503, title: "x" }],
  ["something without checks", 200, { status: "healthy", release: "v1" }],
  ["a check without a state", 200, { ...HEALTH, checks: { redis: {} } }],
  ["a list", 200, []],
])("%s is no answer", async (_, status, body) => {
  answer(status, body);
  await expect(readHealth(null, signal)).rejects.toMatchObject({ name: "ApiError", status });
});

test("the session token goes along, cookies do not", async () => {
  const fetch = answer(200, { id: "1" });
  await expect(readMe(null, "token", signal)).resolves.toEqual({ id: "1" });
  expect(fetch).toHaveBeenCalledWith(
    "/api/v1/users/me",
    expect.objectContaining({
      credentials: "omit",
      headers: expect.objectContaining({ authorization: "Bearer token" }) as unknown,
    }),
  );
});

test("a refusal tells its code and the request's id", async () => {
  answer(401, { status: 401, code: "unauthorized", request_id: "r1" });
  await expect(readMe(null, "token", signal)).rejects.toMatchObject({
    status: 401,
    code: "unauthorized",
    requestId: "r1",
  });
});
