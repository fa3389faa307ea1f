import type { NextConfig } from "next";

import { SECURITY_HEADERS } from "./src/security/headers";

const config: NextConfig = {
  output: "standalone",
  // The folder that the standalone server is cut out of: this one, whatever lies above it.
  outputFileTracingRoot: __dirname,
  // Found by the trace since a configuration may be TypeScript; the server never loads it.
  outputFileTracingExcludes: { "*": ["node_modules/.pnpm/typescript@*/**"] },
  poweredByHeader: false,
  images: { unoptimized: true },
  // check.sh lints, with zero warnings; a build for a deploy need not do it again.
  eslint: { ignoreDuringBuilds: true },
  headers: () =>
    Promise.resolve([
      {
        source: "/:path*",
        headers: Object.entries(SECURITY_HEADERS).map(([key, value]) => ({ key, value })),
      },
    ]),
};

export default config;
