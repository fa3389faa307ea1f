/** @jest-environment node */
import { readFileSync } from "node:fs";

import { getTransformedRoutes } from "@vercel/routing-utils";
import ts from "typescript";

import { SECURITY_HEADERS } from "./security/headers";

const TEXT = readFileSync("vercel.json", "utf8");

interface VercelJson {
  buildCommand: string;
  outputDirectory: string;
  headers: { source: string; headers: { key: string; value: string }[] }[];
}

/** What Vercel's own description of the file finds wrong with each text; unknown keys count. */
function problemsOf(...texts: string[]): string[][] {
  const sources = new Map(
    texts.map((text, index) => [
      `vercel-${index}.ts`,
      `import type { VercelConfig } from "@vercel/config/v1/types";
       export const config: VercelConfig & { $schema: string } = ${text};`,
    ]),
  );
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    lib: ["lib.es2022.d.ts"],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (name, version, ...rest) => {
    const source = sources.get(name);
    if (source !== undefined) return ts.createSourceFile(name, source, version);
    return getSourceFile.call(host, name, version, ...rest);
  };
  host.fileExists = (name) => sources.has(name) || fileExists.call(host, name);
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources.keys()].map((name) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(name))
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
  );
}

test("vercel.json is as Vercel describes it", () => {
  const [asItIs, otherFramework, otherKey] = problemsOf(
    TEXT,
    TEXT.replace('"nextjs"', '"nextish"'),
    TEXT.replace("buildCommand", "buildComand"),
  );
  expect(asItIs).toEqual([]);
  expect(otherFramework).toHaveLength(1);
  expect(otherKey).toHaveLength(1);
});

test("Vercel's router accepts the headers", () => {
  const { headers } = JSON.parse(TEXT) as VercelJson;
  expect(getTransformedRoutes({ headers }).error).toBeNull();
});

test("the headers are those of the image, and the one that its edge adds", () => {
  const { headers } = JSON.parse(TEXT) as VercelJson;
  const pairs = headers.flatMap((rule) => rule.headers.map(({ key, value }) => [key, value]));
  const { "Strict-Transport-Security": hsts, ...rest } = Object.fromEntries(pairs) as Record<
    string,
    string
  >;
  expect(hsts).toMatch(/^max-age=\d{8}/);
  expect(rest).toEqual(SECURITY_HEADERS);
});

test("it builds what the lock says, with Node 20", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
    engines: object;
    scripts: Record<string, string>;
  };
  const { buildCommand, outputDirectory } = JSON.parse(TEXT) as VercelJson;
  expect([buildCommand, outputDirectory]).toEqual(["pnpm build", ".next"]);
  expect(manifest.scripts.build).toBe("next build");
  expect(manifest.engines).toEqual({ node: "20.x" });
});
