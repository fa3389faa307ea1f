import { schema, type Setting } from "./schema";

const HEADER = `\
# Settings of the frontend, made by \`pnpm generate\`.
# Any NAME may be given as NAME_FILE instead: the path of a file that holds the value.
# NODE_ENV is not among them: \`next dev\` and \`next build\` set it themselves.
`;

/** The text of `.env.example`: all settings have a default, hence all stand as comments. */
export function renderEnvExample(): string {
  const blocks = Object.entries(schema).map(
    ([name, setting]: [string, Setting<unknown>]) =>
      `${wrap(setting.description, 96)}\n# ${name}=${setting.example}\n`,
  );
  return [HEADER, ...blocks].join("\n");
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
