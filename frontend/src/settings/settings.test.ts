/** @jest-environment node */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { renderEnvExample } from "./env-example";
import { renderJsonSchema } from "./json-schema";
import { parseSettings, SettingsError } from "./read";
import { clerkHost, schema } from "./schema";

const KEY = "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k"; // clerk.example.com$

function problemsOf(environ: Record<string, string>): readonly string[] {
  try {
    parseSettings(environ);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "settings-")), "value");
  writeFileSync(path, text);
  return path;
}

test("nothing needs to be set", () => {
  expect(parseSettings({})).toEqual({
    NEXT_PUBLIC_API_URL: null,
    NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: null,
    CLERK_SECRET_KEY: null,
    ENVIRONMENT: "development",
    RELEASE: "development",
    NODE_ENV: "development",
  });
});

test("an empty value, or an empty file, counts as absent", () => {
  const settings = parseSettings({ RELEASE: " ", CLERK_SECRET_KEY_FILE: file("\n") });
  expect(settings.RELEASE).toBe("development");
  expect(settings.CLERK_SECRET_KEY).toBeNull();
});

test("a value may come in a file", () => {
  const settings = parseSettings({ CLERK_SECRET_KEY_FILE: file("sk_test_1\n") });
  expect(settings.CLERK_SECRET_KEY).toBe("sk_test_1");
});

test("a file that is missing is told by its path", () => {
  expect(problemsOf({ RELEASE_FILE: "/nowhere/release" })).toEqual([
    "RELEASE: the file /nowhere/release can't be read (ENOENT)",
  ]);
});

test("a value and a file at once are refused", () => {
  expect(problemsOf({ RELEASE: "v1", RELEASE_FILE: "/x" })[0]).toContain("set one of them");
});

test("on Vercel the commit is the release, unless one is set", () => {
  expect(parseSettings({ VERCEL_GIT_COMMIT_SHA: "abc" }).RELEASE).toBe("abc");
  expect(parseSettings({ VERCEL_GIT_COMMIT_SHA: "abc", RELEASE: "v2" }).RELEASE).toBe("v2");
});

test.each([
  "api.example.com",
  "ftp://example.com",
  "https://example.com/api",
  "https://a@b.example",
])("%s is no origin", (text) => {
  expect(problemsOf({ NEXT_PUBLIC_API_URL: text })).toHaveLength(1);
});

test("a slash at the end of an origin does not count", () => {
  const settings = parseSettings({ NEXT_PUBLIC_API_URL: "https://api.example.com/" });
  expect(settings.NEXT_PUBLIC_API_URL).toBe("https://api.example.com");
});

test("all mistakes are told at once, none with its value", () => {
  const problems = problemsOf({
    NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: "hunter2",
    CLERK_SECRET_KEY: "hunter2",
    NEXT_PUBLIC_API_URL: "hunter2",
    ENVIRONMENT: "Hunter2",
  });
  expect(problems.map((line) => line.split(":")[0])).toEqual([
    "NEXT_PUBLIC_API_URL",
    "NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY",
    "CLERK_SECRET_KEY",
    "ENVIRONMENT",
  ]);
  expect(problems.join()).not.toMatch(/hunter2/i);
});

test("Clerk's two keys must be of one kind", () => {
  const published = { NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: KEY };
  expect(problemsOf({ ...published, CLERK_SECRET_KEY: "sk_test_1" })).toEqual([]);
  expect(problemsOf({ ...published, CLERK_SECRET_KEY: "sk_live_1" })[0]).toContain("same kind");
});

test("a publishable key names a host, and nothing that could widen a policy", () => {
  const key = (text: string) => `pk_live_${Buffer.from(text).toString("base64")}`;
  expect(clerkHost(KEY)).toBe("clerk.example.com");
  expect(clerkHost(key("clerk.example.com"))).toBeNull();
  expect(clerkHost(key("* 'unsafe-eval'$"))).toBeNull();
  expect(clerkHost("pk_other_Y2xlcmsk")).toBeNull();
});

test("the example names every setting, with values that are accepted", () => {
  const text = renderEnvExample();
  const assignments = [...text.matchAll(/^# ([A-Z_]+)=(.*)$/gm)];
  expect(assignments.map(([, name]) => name)).toEqual(Object.keys(schema));
  expect(problemsOf(Object.fromEntries(assignments.map(([, ...pair]) => pair)))).toEqual([]);
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
});

test("the schema is made of the forms that are read, and marks the secret", () => {
  const { properties, then } = JSON.parse(renderJsonSchema());
  expect(Object.keys(properties)).toEqual(Object.keys(schema));
  expect(new RegExp(properties.CLERK_SECRET_KEY.pattern).test("pk_test_1")).toBe(false);
  expect(properties.CLERK_SECRET_KEY["x-secret"]).toBe(true);
  expect(new RegExp(then.properties.CLERK_SECRET_KEY.pattern).test("sk_test_1")).toBe(false);
  for (const { examples, pattern } of Object.values<{ examples: string[]; pattern?: string }>(
    properties,
  )) {
    expect(examples[0]).toMatch(new RegExp(pattern ?? ""));
  }
});

test("the example that is kept is current", () => {
  expect(readFileSync(".env.example", "utf8")).toBe(renderEnvExample());
});
