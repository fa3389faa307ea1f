import { readFileSync } from "node:fs";

import { mismatches, schema, type Setting, type SettingName, type Settings } from "./schema";

type Environ = Readonly<Record<string, string | undefined>>;

/** What keeps the settings from being used: all of it at once, and none of their values. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";

  constructor(readonly problems: readonly string[]) {
    super(`the settings can't be used:\n${problems.map((line) => `  ${line}`).join("\n")}`);
  }
}

/**
 * The settings of an environment. Each NAME may come as NAME_FILE instead, the path of a file that
 * holds the value; an empty value counts as absent.
 *
 * @throws SettingsError
 */
export function parseSettings(environ: Environ): Settings {
  const problems: string[] = [];
  const values = Object.entries(schema).map(([name, setting]: [string, Setting<unknown>]) => {
    try {
      const text = lookUp(environ, name, setting.alias);
      return [name, text === null ? setting.fallback : setting.parse(text)];
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
      return [name, setting.fallback];
    }
  });
  const settings = Object.fromEntries(values) as Settings;
  problems.push(...(problems.length === 0 ? mismatches(settings) : []));
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

function lookUp(environ: Environ, name: string, alias?: string): string | null {
  const value = environ[name]?.trim();
  const path = environ[`${name}_FILE`]?.trim();
  if (value && path) throw new Error(`is set, and ${name}_FILE too: set one of them`);
  if (value) return value;
  if (path) return readSecret(path) || null;
  return (alias && environ[alias]?.trim()) || null;
}

function readSecret(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`the file ${path} can't be read (${code ?? "unknown error"})`);
  }
}

let settings: Settings | undefined;

/** The settings of this process, read once. */
export function getSettings(): Settings {
  return (settings ??= parseSettings(process.env));
}

export type { SettingName, Settings };
