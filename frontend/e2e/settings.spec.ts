/** One build, other settings: needs the second server, which only the local build has. */
import { expect, test } from "@playwright/test";

import { CLERK_HOST, OTHER_URL } from "./support/local";

test.skip(process.env.BASE_URL !== undefined, "an environment has one set of settings");
test.use({ baseURL: OTHER_URL });

test("the pages ask the API that is set", async ({ page }) => {
  await page.route("https://api.example.com/**", (route) => route.abort());
  const asked = page.waitForRequest("https://api.example.com/api/v1/health/detailed");
  await page.goto("/status");
  await asked;
  await expect(page.getByRole("contentinfo")).toContainText("v8-0000000000");
});

test("Clerk's code is fetched by the pages that sign in, and by no other", async ({ page }) => {
  const asked: string[] = [];
  const loaded = new Set<string>();
  page.on("response", async (response) => {
    if (!response.url().endsWith(".js")) return;
    if ((await response.text()).includes("publishableKey:")) loaded.add(response.url());
  });
  await page.route(`https://${CLERK_HOST}/**`, (route) => {
    asked.push(route.request().url());
    return route.abort();
  });
  await page.route("https://api.example.com/**", (route) => route.abort());
  for (const path of ["/", "/status"]) {
    await page.goto(path, { waitUntil: "networkidle" });
    expect(await page.content()).not.toContain("pk_test_");
  }
  expect(asked).toEqual([]);
  expect([...loaded]).toEqual([]);

  await page.goto("/sign-in");
  await expect(page.getByRole("status")).toHaveText("One moment…");
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  expect(loaded.size).toBeGreaterThan(0);
});

test("the policy names Clerk and the API where they are needed", async ({ request }) => {
  const policy = async (path: string) =>
    (await request.get(path)).headers()["content-security-policy"] ?? "";
  expect(await policy("/sign-in")).toContain(CLERK_HOST);
  expect(await policy("/status")).not.toContain(CLERK_HOST);
  expect(await policy("/status")).toContain("connect-src 'self' https://api.example.com;");
});

test("production may be listed by search engines", async ({ request }) => {
  expect((await request.get("/")).headers()["x-robots-tag"]).toBeUndefined();
});
