/**
 * How much JavaScript the first load of each page costs, compressed as it is served, out of the
 * build. Fails if a page is above the limit: `pnpm bundle-size`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const BUILD = join(import.meta.dirname, "../.next");
const LIMIT = 130_000; // bytes
const PAGES = ["/page", "/status/page", "/sign-in/page", "/sign-up/page", "/account/page"];

interface BuildManifest {
  readonly pages: Readonly<Record<string, readonly string[]>>;
}

function firstLoad(manifest: BuildManifest, page: string): number {
  const files = new Set([...(manifest.pages["/layout"] ?? []), ...(manifest.pages[page] ?? [])]);
  return [...files]
    .filter((file) => file.endsWith(".js"))
    .reduce((sum, file) => sum + gzipSync(readFileSync(join(BUILD, file))).length, 0);
}

const manifest = JSON.parse(
  readFileSync(join(BUILD, "app-build-manifest.json"), "utf8"),
) as BuildManifest;
for (const page of PAGES) {
  if (manifest.pages[page] === undefined) throw new Error(`the build has no page ${page}`);
  const bytes = firstLoad(manifest, page);
  const path = page.replace(/\/?page$/, "") || "/";
  const verdict = bytes > LIMIT ? `above the limit of ${LIMIT / 1000} kB` : "";
  console.log(`${path.padEnd(9)} ${(bytes / 1000).toFixed(1).padStart(6)} kB ${verdict}`.trimEnd());
  if (bytes > LIMIT) process.exitCode = 1;
}
