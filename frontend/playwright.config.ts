import { defineConfig } from "@playwright/test";

import { EDGE_URL } from "./e2e/support/local";

/** BASE_URL: a deployed environment to test; without it the local build is started. */
const deployed = process.env.BASE_URL;

export default defineConfig({
  testDir: "e2e",
  outputDir: "test-results",
  fullyParallel: true,
  workers: 2,
  forbidOnly: process.env.CI !== undefined,
  reporter: [["list"]],
  use: {
    baseURL: deployed ?? EDGE_URL,
    browserName: "chromium",
    ignoreHTTPSErrors: deployed !== undefined,
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      // Chromium's own sandbox needs a user other than root.
      args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
    },
  },
  ...(deployed === undefined && {
    webServer: {
      command: "tsx e2e/support/serve.mts",
      url: `${EDGE_URL}/healthz`,
      reuseExistingServer: false,
      gracefulShutdown: { signal: "SIGTERM" as const, timeout: 5_000 },
    },
  }),
});
