import { clerkHost } from "@/settings/schema";

/** What a page's Content-Security-Policy depends on. */
export interface PolicyInput {
  readonly nonce: string;
  readonly path: string;
  /** Origin of the API, null where it is the page's own. */
  readonly apiUrl: string | null;
  readonly clerkKey: string | null;
  /** The development server compiles with `eval` and puts styles into the page. */
  readonly development: boolean;
}

/** The pages that sign in: the only ones where Clerk's code runs. */
const SIGN_IN_PAGES = ["/sign-in", "/sign-up", "/account"];

/** Clerk shows a challenge to those it takes for robots. */
const CLERK_CHALLENGE = "https://challenges.cloudflare.com";

/**
 * The Content-Security-Policy of one answer.
 *
 * Scripts run by nonce, and what they load themselves ('strict-dynamic'). Clerk's origins and the
 * styles that it puts into the page are allowed on the pages that sign in, where a key is set.
 */
export function contentSecurityPolicy(input: PolicyInput): string {
  const { nonce, path, apiUrl, clerkKey, development } = input;
  const directives: Record<string, string[]> = {
    "default-src": ["'none'"],
    "script-src": ["'self'", `'nonce-${nonce}'`, "'strict-dynamic'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'", ...(apiUrl === null ? [] : [apiUrl])],
    "manifest-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
  };
  const add = (name: string, ...sources: string[]) => {
    (directives[name] ??= []).push(...sources);
  };
  const host = clerkKey === null ? null : clerkHost(clerkKey);
  if (host !== null && SIGN_IN_PAGES.some((page) => path === page || path.startsWith(`${page}/`))) {
    add("script-src", `https://${host}`, CLERK_CHALLENGE);
    add("connect-src", `https://${host}`);
    add("img-src", "https://img.clerk.com");
    add("style-src", "'unsafe-inline'");
    add("frame-src", CLERK_CHALLENGE);
    add("worker-src", "'self'", "blob:");
  }
  if (development) {
    add("script-src", "'unsafe-eval'");
    add("style-src", "'unsafe-inline'");
    add("connect-src", "ws:");
  }
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(" ")}`)
    .join("; ");
}
