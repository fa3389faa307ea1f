/** What the tests and the servers that they start agree on. */

const FIRST_PORT = Number(process.env.E2E_PORT ?? 4310);

export const PORTS = {
  edge: FIRST_PORT,
  pages: FIRST_PORT + 1,
  other: FIRST_PORT + 2,
  stopped: FIRST_PORT + 3,
};

export const EDGE_URL = `http://127.0.0.1:${PORTS.edge}`;

/** The same build with other settings. */
export const OTHER_URL = `http://127.0.0.1:${PORTS.other}`;

/** Host of Clerk's Frontend API in a key that exists nowhere. */
export const CLERK_HOST = "clerk.example.com";

export const CLERK_KEY = `pk_test_${Buffer.from(`${CLERK_HOST}$`).toString("base64")}`;
