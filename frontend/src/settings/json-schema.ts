import { type Form, schema, type Setting } from "./schema";

/**
 * The settings as JSON Schema, which a deploy holds an environment against before it touches a host.
 * `x-secret` marks what must not be seen, `x-expected` says in words what a pattern asks for.
 */
export function renderJsonSchema(): string {
  const settings: [string, Setting<unknown>][] = Object.entries(schema);
  const production = settings.flatMap(([name, { production }]) =>
    production ? [[name, asSchema(production)] as const] : [],
  );
  const whole = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Settings of the frontend",
    type: "object",
    properties: Object.fromEntries(settings.map(([name, setting]) => [name, property(setting)])),
    additionalProperties: false,
    if: { properties: { ENVIRONMENT: { const: "production" } }, required: ["ENVIRONMENT"] },
    then: { properties: Object.fromEntries(production) },
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

function property(setting: Setting<unknown>): object {
  return {
    "x-section": setting.section,
    description: setting.description,
    type: "string",
    ...(setting.fallback === null ? {} : { default: setting.fallback }),
    ...(setting.form ? asSchema(setting.form) : {}),
    examples: [setting.example],
    ...(setting.secret === true ? { "x-secret": true } : {}),
  };
}

function asSchema({ pattern, expected }: Form): object {
  return { pattern: `^(?:${pattern})$`, "x-expected": expected };
}
