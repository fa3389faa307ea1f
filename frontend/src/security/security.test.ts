/** @jest-environment node */
import { NextRequest } from "next/server";

import { contentSecurityPolicy, type PolicyInput } from "./policy";

const KEY = "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k"; // clerk.example.com$

function policy(changes: Partial<PolicyInput> = {}): Record<string, string> {
  const text = contentSecurityPolicy({
    nonce: "abc",
    path: "/",
    apiUrl: null,
    clerkKey: null,
    development: false,
    ...changes,
  });
  return Object.fromEntries(
    text
      .split("; ")
      .map((part) => [part.slice(0, part.indexOf(" ")), part.slice(part.indexOf(" ") + 1)]),
  );
}

test("scripts run by nonce only, and nothing comes from elsewhere", () => {
  const found = policy();
  expect(found["default-src"]).toBe("'none'");
  expect(found["script-src"]).toBe("'self' 'nonce-abc' 'strict-dynamic'");
  expect(found["frame-ancestors"]).toBe("'none'");
  expect(Object.values(found).join(" ")).not.toMatch(/unsafe|https?:|\*/);
});

test("the API may be of another origin", () => {
  expect(policy({ apiUrl: "https://api.example.com" })["connect-src"]).toBe(
    "'self' https://api.example.com",
  );
});

test.each(["/sign-in", "/sign-up", "/account", "/sign-in/factor-one"])(
  "Clerk is allowed on %s where a key is set",
  (path) => {
    const found = policy({ path, clerkKey: KEY });
    expect(found["script-src"]).toContain("https://clerk.example.com");
    expect(found["connect-src"]).toContain("https://clerk.example.com");
    expect(found["script-src"]).not.toContain("unsafe");
    expect(policy({ path })).toEqual(policy());
  },
);

test.each(["/", "/status", "/sign-innocent"])("Clerk is not allowed on %s", (path) => {
  expect(policy({ path, clerkKey: KEY })).toEqual(policy());
});

test("the development server may compile in the page", () => {
  expect(policy({ development: true })["script-src"]).toContain("'unsafe-eval'");
});

describe("the middleware", () => {
  const original = process.env;

  beforeEach(() => {
    jest.resetModules();
    process.env = { ...original };
  });

  afterAll(() => {
    process.env = original;
  });

  async function ask(path: string) {
    const { middleware } = await import("@/middleware");
    return middleware(new NextRequest(`http://localhost:3000${path}`));
  }

  test("gives each answer a nonce of its own, and tells the page", async () => {
    const [first, second] = [await ask("/"), await ask("/")];
    const nonce = first.headers.get("x-middleware-request-x-nonce");
    expect(nonce).toMatch(/^[A-Za-z0-9+/]{22}==$/);
    expect(first.headers.get("content-security-policy")).toContain(`'nonce-${nonce}'`);
    expect(second.headers.get("x-middleware-request-x-nonce")).not.toBe(nonce);
  });

  test.each([
    ["staging", "noindex"],
    ["production", null],
  ])("tells search engines in %s: %s", async (environment, expected) => {
    process.env.ENVIRONMENT = environment;
    expect((await ask("/")).headers.get("x-robots-tag")).toBe(expected);
  });

  test("settings that can't be used end the process, and say why", async () => {
    process.env = { ...original, NEXT_RUNTIME: "nodejs", ENVIRONMENT: "the moon" };
    const exit = jest.spyOn(process, "exit").mockReturnValue(undefined as never);
    const said = jest.spyOn(process.stderr, "write").mockReturnValue(true);
    const { register } = await import("@/instrumentation");
    await register();
    expect(said).toHaveBeenCalledWith(expect.stringContaining("ENVIRONMENT: must be a name"));
    expect(exit).toHaveBeenCalledWith(1);
  });
});
