import { FlatCompat } from "@eslint/eslintrc";

const compat = new FlatCompat({ baseDirectory: import.meta.dirname });

const config = [
  { ignores: [".next/", "coverage/", "next-env.d.ts", "src/api/schema.d.ts"] },
  ...compat.extends("next/core-web-vitals", "next/typescript"),
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: { eqeqeq: "error", "no-console": "error" },
  },
  { files: ["scripts/**", "marks/**"], rules: { "no-console": "off" } },
];

export default config;
