/**
 * The production build as it is deployed: a server of pages behind an edge that routes /api to the
 * backend, here a stand-in. Beside it the same build with other settings, without an edge.
 */
import { spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";

import { CLERK_KEY, PORTS } from "./local";
import { health } from "./health";

const STANDALONE = join(import.meta.dirname, "../../.next/standalone");
const HOST = "127.0.0.1";

/** Start the build's own server; it ends with this process. */
function startPages(port: number, settings: Record<string, string>): void {
  const child = spawn(process.execPath, ["server.js"], {
    cwd: STANDALONE,
    stdio: "inherit",
    env: {
      PATH: process.env.PATH,
      NODE_ENV: "production",
      HOSTNAME: HOST,
      PORT: String(port),
      ...settings,
    },
  });
  child.on("exit", (code) => process.exit(code ?? 1));
  process.on("exit", () => child.kill());
}

/** Response times that move a little, as real ones do. */
function answerHealth(response: ServerResponse): void {
  const answer = health({ timestamp: new Date().toISOString() });
  for (const check of Object.values(answer.checks)) {
    if (typeof check.response_time_ms === "number") check.response_time_ms *= 1 + Math.random();
  }
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(answer));
}

function route(incoming: IncomingMessage, response: ServerResponse): void {
  if (incoming.url === "/api/v1/health/detailed") {
    answerHealth(response);
  } else if (incoming.url?.startsWith("/api/")) {
    response.writeHead(404, { "content-type": "application/problem+json" });
    response.end(JSON.stringify({ title: "Not Found", status: 404, code: "not_found" }));
  } else {
    pass(incoming, response);
  }
}

function pass(incoming: IncomingMessage, response: ServerResponse): void {
  const { url, method, headers } = incoming;
  const forwarded = request(
    { host: HOST, port: PORTS.pages, path: url, method, headers },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  forwarded.on("error", () => {
    if (!response.headersSent) response.writeHead(503);
    response.end();
  });
  incoming.pipe(forwarded);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
cpSync(join(STANDALONE, "../static"), join(STANDALONE, ".next/static"), { recursive: true });
startPages(PORTS.pages, { RELEASE: "v7-fedcba9876" });
startPages(PORTS.other, {
  RELEASE: "v8-0000000000",
  ENVIRONMENT: "production",
  NEXT_PUBLIC_API_URL: "https://api.example.com",
  NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY: CLERK_KEY,
});
createServer(route).listen(PORTS.edge, HOST);
