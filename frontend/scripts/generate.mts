/** Write the files that are made from others: `pnpm generate`; with --check, fail if one is stale. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import openapiTS, { astToString } from "openapi-typescript";

import { renderEnvExample } from "../src/settings/env-example";
import { renderJsonSchema } from "../src/settings/json-schema";
import { renderReference } from "../src/settings/reference";

const ROOT = join(import.meta.dirname, "..");
const HEADER = "// Made from ../backend/openapi.json by `pnpm generate`; do not edit.\n\n";

async function renderApiTypes(): Promise<string> {
  const description = JSON.parse(
    readFileSync(join(ROOT, "../backend/openapi.json"), "utf8"),
  ) as Parameters<typeof openapiTS>[0];
  return HEADER + astToString(await openapiTS(description));
}

async function main(): Promise<void> {
  const files = {
    "src/api/schema.d.ts": await renderApiTypes(),
    ".env.example": renderEnvExample(),
    "settings.schema.json": renderJsonSchema(),
    "../docs/reference/frontend.md": renderReference(),
  };
  const stale = Object.entries(files).filter(([path, text]) => read(path) !== text);
  if (!process.argv.includes("--check")) {
    for (const [path, text] of stale) writeFileSync(join(ROOT, path), text);
  } else if (stale.length > 0) {
    console.error(`stale: ${stale.map(([path]) => path).join(", ")}; run \`pnpm generate\``);
    process.exitCode = 1;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(join(ROOT, path), "utf8");
  } catch {
    return null;
  }
}

await main();
