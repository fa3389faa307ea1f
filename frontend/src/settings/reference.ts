import { schema, type Setting } from "./schema";

const HEADER = `\
# Settings of the pages

None must be set. They are read when the server starts, so one image serves all environments; on
Vercel a changed one counts from the next deploy on. Any \`NAME\` may come as \`NAME_FILE\`, the path of
a file that holds the value. On your hosts the playbooks set them from the variables named here.

| setting | meaning | where not set | on your hosts | Vercel, Production | Vercel, Preview | kind on Vercel |
|---|---|---|---|---|---|---|
`;

const FOOTER = `
Made from \`frontend/src/settings/schema.ts\` by \`frontend/check.sh --lock\`.
`;

/** The text of `docs/reference/frontend.md`. */
export function renderReference(): string {
  const rows = Object.entries(schema).map(([name, setting]: [string, Setting<unknown>]) => {
    const cells = [
      `\`${name}\``,
      setting.description,
      setting.fallback === null ? "nothing" : `\`${String(setting.fallback)}\``,
      setting.hosts,
      setting.vercel.production,
      setting.vercel.preview,
      setting.secret === true ? "sensitive" : "plain",
    ];
    return `| ${cells.join(" | ")} |\n`;
  });
  return HEADER + rows.join("") + FOOTER;
}
