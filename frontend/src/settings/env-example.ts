import { schema, type Setting } from "./schema";

const WIDTH = 96;
const HEADER = `\
# Settings of the frontend, made by \`pnpm generate\`.
# Any NAME may be given as NAME_FILE instead: the path of a file that holds the value.
# NEXT_PUBLIC_ ones are public: every browser gets them.
`;

/** The text of `.env.example`: all settings have a default, hence all stand as comments. */
export function renderEnvExample(): string {
  const blocks = [HEADER];
  let section = "";
  for (const [name, setting] of Object.entries(schema) as [string, Setting<unknown>][]) {
    if (setting.section !== section)
      blocks.push(`${`# == ${setting.section} `.padEnd(WIDTH, "=")}\n`);
    section = setting.section;
    const words = setting.secret === true ? `${setting.description} Secret.` : setting.description;
    blocks.push(`${wrap(words, WIDTH)}\n# ${name}=${setting.example}\n`);
  }
  return blocks.join("\n");
}

/** The text as comment lines of at most `width` characters. */
function wrap(text: string, width: number): string {
  const lines = ["#"];
  for (const word of text.split(" ")) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length > width) lines.push(`# ${word}`);
    else lines[lines.length - 1] = line;
  }
  return lines.join("\n");
}
