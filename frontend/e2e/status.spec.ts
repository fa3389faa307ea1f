import { AxeBuilder } from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";

import { degraded, health, unhealthy } from "./support/health";

const HEALTH = "**/api/v1/health/detailed";

/** The heading that says how the whole is. */
function overall(page: Page, name: string) {
  return page.getByRole("status").getByRole("heading", { name });
}

test("shows what the environment says of itself", async ({ page, request }) => {
  await page.goto("/status");
  const card = page.getByRole("listitem").filter({ hasText: "Database" });
  await expect(card.getByText("Connected")).toBeVisible();
  await expect(card.getByText(/^\d+(\.\d)? ms$/)).toBeVisible();
  await expect(card.getByRole("img", { name: /^Database, the last minute/ })).toBeVisible();
  const api = (await (await request.get("/api/v1/health/detailed")).json()) as { release: string };
  const pages = (await (await request.get("/healthz")).json()) as { release: string };
  await expect(page.getByRole("main")).toContainText(`Release of the API${api.release}`);
  await expect(page.getByRole("main")).toContainText(`Release of these pages${pages.release}`);
});

test("keeps looking by itself", async ({ page }) => {
  let answer = health();
  await page.route(HEALTH, (route) => route.fulfill({ json: answer }));
  await page.goto("/status");
  await expect(overall(page, "All is well")).toBeVisible();
  answer = degraded();
  await expect(overall(page, "Mostly well")).toBeVisible({ timeout: 15_000 });
  await expect(page.getByText("connection refused")).toBeVisible();
});

test("a database that is away is told, though it comes with status 503", async ({ page }) => {
  await page.route(HEALTH, (route) => route.fulfill({ status: 503, json: unhealthy() }));
  await page.goto("/status");
  await expect(overall(page, "Not well")).toBeVisible();
  await expect(page.getByText("no answer within 2 s")).toBeVisible();
});

test("an API that can't be reached is told, and found again", async ({ page }) => {
  await page.route(HEALTH, (route) => route.abort());
  await page.goto("/status");
  await expect(overall(page, "The API can’t be reached")).toBeVisible();
  await page.unroute(HEALTH);
  await page.route(HEALTH, (route) => route.fulfill({ json: health() }));
  await page.getByRole("button", { name: "Try now" }).click();
  await expect(overall(page, "All is well")).toBeVisible();
});

test("a proxy's error page is not taken for the API", async ({ page }) => {
  await page.route(HEALTH, (route) =>
    route.fulfill({ status: 503, contentType: "text/html", body: "<h1>503</h1>" }),
  );
  await page.goto("/status");
  await expect(overall(page, "The API can’t be reached")).toBeVisible();
  await expect(page.getByText("Something else answered, with status 503.")).toBeVisible();
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const [state, answer] of Object.entries({ degraded, unhealthy, unreachable: null })) {
    test(`${state}, ${colorScheme}: fit for all`, async ({ page }) => {
      await page.emulateMedia({ colorScheme });
      await page.route(HEALTH, (route) =>
        answer === null ? route.abort() : route.fulfill({ json: answer() }),
      );
      await page.goto("/status");
      await expect(page.locator(`[data-state="${state}"]`)).toBeVisible();
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    });
  }
}
