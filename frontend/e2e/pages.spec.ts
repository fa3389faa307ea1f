import { AxeBuilder } from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";

const PATHS = ["/", "/status", "/sign-in", "/sign-up", "/account", "/nothing-here"];

/** What the browser complains of: refused scripts and styles, errors of the page's own code. */
function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on("pageerror", (error) => found.push(error.message));
  page.on("console", (message) => {
    const { url } = message.location();
    const missing = url.endsWith("/nothing-here") && message.text().includes("404");
    if (message.type() === "error" && !missing) found.push(message.text());
  });
  return found;
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    for (const path of PATHS) {
      test(`${path} is fit for all`, async ({ page }) => {
        const found = complaints(page);
        await page.goto(path);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
        expect(found).toEqual([]);
      });
    }

    test("the page has the colours that the system asks for", async ({ page }) => {
      await page.goto("/");
      const [red = 0] = await page.evaluate(() =>
        (getComputedStyle(document.body).backgroundColor.match(/\d+/g) ?? []).map(Number),
      );
      expect(red > 128).toBe(colorScheme === "light");
    });
  });
}

test("nothing comes from elsewhere", async ({ page, baseURL }) => {
  const origins = new Set<string>();
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  for (const path of PATHS) await page.goto(path);
  expect([...origins]).toEqual([new URL(baseURL ?? "").origin]);
});

test("every page has a policy with a nonce of its own", async ({ request }) => {
  const nonces = new Set<string | undefined>();
  for (const path of PATHS) {
    const headers = (await request.get(path)).headers();
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["x-powered-by"]).toBeUndefined();
    nonces.add(/'nonce-([^']+)'/.exec(headers["content-security-policy"] ?? "")?.[1]);
  }
  expect(nonces.size).toBe(PATHS.length);
});

test("the health tells the release that the pages show", async ({ page, request }) => {
  const answer = (await (await request.get("/healthz")).json()) as { release: string };
  await page.goto("/");
  await expect(page.getByRole("contentinfo")).toContainText(answer.release);
});

test("without a key of Clerk, those who would sign in are told", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Begin" }).click();
  await expect(page.getByRole("heading", { name: "Nobody can sign in yet" })).toBeVisible();
  await expect(page.getByText("NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY")).toBeVisible();
});

test("keyboards get past the bar, and to everything", async ({ page }) => {
  await page.goto("/");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Begin" })).toBeFocused();
});

for (const path of PATHS) {
  test(`${path} fits a narrow screen`, async ({ page }) => {
    await page.setViewportSize({ width: 320, height: 640 });
    await page.goto(path);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
  });
}
