import { NextResponse, type NextRequest } from "next/server";

import { contentSecurityPolicy } from "@/security/policy";
import { getSettings } from "@/settings/read";

// On Node rather than in the edge sandbox: settings may be files. Files of the build carry no
// scripts, and the health answer should cost nothing.
export const config = {
  runtime: "nodejs",
  matcher: "/((?!_next/static|healthz|icon\\.svg).*)",
};

/** Give each page a policy with a nonce of its own; Next puts the nonce into its scripts. */
export function middleware(request: NextRequest): NextResponse {
  const settings = getSettings();
  const nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64");
  const policy = contentSecurityPolicy({
    nonce,
    path: request.nextUrl.pathname,
    apiUrl: settings.NEXT_PUBLIC_API_URL,
    clerkKey: settings.NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY,
    development: process.env.NODE_ENV === "development",
  });

  const headers = new Headers(request.headers);
  headers.set("x-nonce", nonce);
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  if (settings.ENVIRONMENT !== "production") response.headers.set("x-robots-tag", "noindex");
  return response;
}
