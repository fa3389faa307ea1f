import { subscribe } from "node:diagnostics_channel";
import type { Server, ServerResponse } from "node:http";

/** How often connections that have become idle are closed during a stop, in milliseconds. */
const SWEEP = 100;

/**
 * Watch all connections of this process, so that they can be ended politely.
 *
 * A server that is closed takes no new connections, but goes on answering on those that are kept
 * alive, as long as their clients like: a proxy with traffic would hold up a stop for ever.
 *
 * @returns what a stop calls: from then on each answer says that it is the last of its connection
 */
export function watchConnections(): () => void {
  const servers = new Set<Server>();
  const open = new Set<ServerResponse>();
  let stopping = false;

  subscribe("http.server.request.start", (message) => {
    const { response, server } = message as { response: ServerResponse; server: Server };
    servers.add(server);
    open.add(response);
    response.once("close", () => open.delete(response));
    if (stopping) response.shouldKeepAlive = false;
  });

  return () => {
    stopping = true;
    for (const response of open) response.shouldKeepAlive = false;
    // Those whose answer had begun before can't be told any more: they are closed once idle.
    setInterval(() => {
      for (const server of servers) server.closeIdleConnections();
    }, SWEEP).unref();
  };
}
