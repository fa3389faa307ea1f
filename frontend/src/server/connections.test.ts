/** @jest-environment node */
import { Agent, createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { watchConnections } from "./connections";

const stop = watchConnections();
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let server: Server;
let finish: () => void;

/** /slow begins its answer at once and ends it when told to. */
beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url !== "/slow") return void response.end();
    response.write("begun");
    finish = () => response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(() => {
  agent.destroy();
});

function ask(path: string): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent }, resolve).on("error", reject);
  });
}

async function whole(response: IncomingMessage): Promise<IncomingMessage> {
  for await (const chunk of response) void chunk;
  return response;
}

test("connections are kept until the stop, then ended by their next answer", async () => {
  expect((await whole(await ask("/"))).headers.connection).toBe("keep-alive");
  const begun = await ask("/slow");

  stop();
  const closed = new Promise((resolve) => server.close(resolve));
  finish();
  await whole(begun);
  // Its answer had begun before the stop, so it could not say so: the connection is closed idle.
  await closed;
});

test("an answer that begins after the stop says that it is the last", async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  expect((await whole(await ask("/"))).headers.connection).toBe("close");
  await new Promise((resolve) => server.close(resolve));
});
