/**
 * Every setting of the frontend: what it means, how a text becomes its value, who may see it.
 *
 * `.env.example` and `settings.schema.json` are made from this file. Settings are read at run time, so that one image serves
 * all environments: nothing here is compiled into a page.
 */

/** What a text must look like: a pattern of the whole of it, and what it should be in words. */
export interface Form {
  readonly pattern: string;
  readonly expected: string;
}

/** How one setting is described and read. `parse` throws a sentence that does not tell the text. */
export interface Setting<T> {
  readonly section: string;
  readonly description: string;
  /** What `.env.example` shows: a value that works, or has the right form. */
  readonly example: string;
  /** The value where the setting is absent. */
  readonly fallback: T;
  /** Where its value comes from on hosts that the playbooks deploy to. */
  readonly hosts: string;
  /** What to set it to in a project on Vercel. */
  readonly vercel: { readonly production: string; readonly preview: string };
  /** Whether its value must not be shown. */
  readonly secret?: boolean;
  /** Another variable that is read where this one is absent, set by a platform. */
  readonly alias?: string;
  /** The form of its text, where not every one will do. */
  readonly form?: Form;
  /** What whoever deploys asks of it in production on top; the pages take whatever works. */
  readonly production?: Form;
  readonly parse: (text: string) => T;
}

function define<T>(setting: Setting<T>): Setting<T> {
  return setting;
}

/** The text itself, if it has the form. */
function formed({ pattern, expected }: Form, text: string): string {
  if (!new RegExp(`^(?:${pattern})$`).test(text)) throw new Error(expected);
  return text;
}

const NAME: Form = {
  pattern: "[a-z][a-z0-9_-]*",
  expected: "must be a name such as staging: a-z, 0-9, _ and -",
};

const ORIGIN: Form = {
  pattern: String.raw`https?://[^\s/?#@]+/?`,
  expected:
    "must be an origin such as https://api.example.com: no path, query or user (the pages add /api/v1/…)",
};

const PUBLISHABLE_KEY: Form = {
  pattern: "pk_(?:test|live)_[A-Za-z0-9+/]+={0,2}",
  expected: "must be a publishable key of Clerk, which begins with pk_test_ or pk_live_",
};

const SECRET_KEY: Form = {
  pattern: String.raw`sk_(?:test|live)_\S+`,
  expected: "must be a secret key of Clerk, which begins with sk_test_ or sk_live_",
};

const MODE: Form = {
  pattern: "development|production|test",
  expected: "must be one of development, production, test",
};

/** An origin such as https://api.example.com, without a path. */
function origin(text: string): string {
  if (!URL.canParse(formed(ORIGIN, text))) throw new Error(ORIGIN.expected);
  return new URL(text).origin;
}

/** Clerk's public key: a kind, then the host of its Frontend API and a `$`, in base64. */
function publishableKey(text: string): string {
  if (clerkHost(text) === null) throw new Error(PUBLISHABLE_KEY.expected);
  return text;
}

/** The host of Clerk's Frontend API that a publishable key names, or null if it is none. */
export function clerkHost(key: string): string | null {
  const encoded = /^pk_(?:test|live)_([A-Za-z0-9+/]+={0,2})$/.exec(key)?.[1];
  if (encoded === undefined) return null;
  return /^([a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d+)?)\$$/.exec(atob(encoded))?.[1] ?? null;
}

export const schema = {
  NEXT_PUBLIC_API_URL: define<string | null>({
    section: "API",
    description:
      "Origin of the API as browsers reach it. Not set: the origin of the pages, where the edge " +
      "routes /api to the backend.",
    example: "http://localhost:8000",
    fallback: null,
    hosts: "`api_url`",
    vercel: { production: "the API's origin", preview: "the API's origin in staging" },
    form: ORIGIN,
    production: { pattern: "https://.*", expected: "must be https:// in production" },
    parse: origin,
  }),
  NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: define<string | null>({
    section: "Clerk",
    description:
      "Clerk's publishable key; browsers see it. Not set: nobody can sign in, and the pages say so.",
    example: "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k",
    fallback: null,
    hosts: "`clerk_publishable_key`",
    vercel: { production: "`pk_live_…`", preview: "`pk_test_…`" },
    form: PUBLISHABLE_KEY,
    production: {
      pattern: "pk_live_.*",
      expected: "must be a live key in production, which begins with pk_live_",
    },
    parse: publishableKey,
  }),
  CLERK_SECRET_KEY: define<string | null>({
    section: "Clerk",
    description:
      "Clerk's secret key, for the server only. The pages need none to sign people in; where it is " +
      "set, it must be of the same kind (test or live) as the publishable key.",
    example: "sk_test_replace_me",
    fallback: null,
    hosts: "not needed",
    vercel: { production: "not needed", preview: "not needed" },
    secret: true,
    form: SECRET_KEY,
    production: {
      pattern: "sk_live_.*",
      expected: "must be a live key in production, which begins with sk_live_",
    },
    parse: (text) => formed(SECRET_KEY, text),
  }),
  ENVIRONMENT: define<string>({
    section: "Environment",
    description:
      "Name of the environment, as staging. Only production may be listed by search engines.",
    example: "development",
    fallback: "development",
    hosts: "`env_name`",
    vercel: { production: "`production`", preview: "`staging`" },
    form: NAME,
    parse: (text) => formed(NAME, text),
  }),
  RELEASE: define<string>({
    section: "Environment",
    description: "Id of the release this process belongs to; on Vercel, the commit where not set.",
    example: "development",
    fallback: "development",
    hosts: "the release's id, from the engine",
    vercel: { production: "not set", preview: "not set" },
    alias: "VERCEL_GIT_COMMIT_SHA",
    parse: (text) => text,
  }),
  NODE_ENV: define<string>({
    section: "Environment",
    description:
      "How the pages are built and served. `next dev` and `next build` set it themselves, to " +
      "development and production; it does not belong into an environment file.",
    example: "development",
    fallback: "development",
    hosts: "the image: `production`",
    vercel: { production: "not set", preview: "not set" },
    form: MODE,
    parse: (text) => formed(MODE, text),
  }),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof schema;

/** The value of each setting, as its `parse` gives it. */
export type Settings = {
  readonly [Name in SettingName]: (typeof schema)[Name] extends Setting<infer T> ? T : never;
};

/** What only the whole can tell: sentences, one for each thing that does not fit together. */
export function mismatches(settings: Settings): string[] {
  const published = settings.NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY;
  const secret = settings.CLERK_SECRET_KEY;
  if (published === null || secret === null || published.slice(3, 7) === secret.slice(3, 7)) {
    return [];
  }
  return [
    "CLERK_SECRET_KEY: is not of the same kind (test or live) as NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY; " +
      "take both from one instance of Clerk",
  ];
}
