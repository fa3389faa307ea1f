/** A deploy stops the old pages while a proxy still has connections to them. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { PORTS } from "./support/local";

test.skip(process.env.BASE_URL !== undefined, "needs a server that may be stopped");

let server: ChildProcess;
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

/**
 * What became of a request: answered, cut in its answer, or refused before one began, which a proxy
 * repeats elsewhere.
 */
function ask(): Promise<"answered" | "cut" | "refused"> {
  return new Promise((resolve) => {
    const options = { host: "127.0.0.1", port: PORTS.stopped, path: "/status", agent };
    get(options, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode === 200 ? "answered" : "cut"));
      response.on("error", () => resolve("cut"));
    }).on("error", () => resolve("refused"));
  });
}

test.afterEach(() => {
  server.kill("SIGKILL");
});

test("a stop under load cuts no answer, and is soon over", async () => {
  server = spawn(process.execPath, ["server.js"], {
    cwd: join(__dirname, "../.next/standalone"),
    env: {
      PATH: process.env.PATH,
      NODE_ENV: "production",
      HOSTNAME: "127.0.0.1",
      PORT: String(PORTS.stopped),
      KEEP_ALIVE_TIMEOUT: "75000",
    },
  });
  const exited = once(server, "exit");
  await expect.poll(ask).toBe("answered");

  let answered = 0;
  const ends = Array.from({ length: 4 }, async () => {
    let result = await ask();
    for (; result === "answered"; result = await ask()) answered += 1;
    return result;
  });
  await expect.poll(() => answered).toBeGreaterThan(50);
  server.kill("SIGTERM");
  expect(await exited).toEqual([0, null]);
  expect(await Promise.all(ends)).toEqual(["refused", "refused", "refused", "refused"]);
});
