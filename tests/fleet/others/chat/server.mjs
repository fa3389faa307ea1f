// A chat over WebSockets: what one visitor says, all others hear. Settings from the environment alone.
import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";

const { PORT = "3000", GREETING } = process.env;
if (!GREETING) throw new Error("GREETING is not set");
const ACCEPT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455
const visitors = new Set();

const text = (word) => Buffer.concat([Buffer.from([0x81, Buffer.byteLength(word)]), Buffer.from(word)]);

// Short frames of one read are all that this chat has.
function hear(data, say) {
  const length = data[1] & 0x7f;
  const mask = data.subarray(2, 6);
  if ((data[0] & 0x0f) === 1) say(data.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at % 4]).toString());
}

const server = createServer((request, response) => {
  response.writeHead(request.url === "/healthz" ? 204 : 200);
  response.end(request.url === "/healthz" ? "" : GREETING);
});

server.on("upgrade", (request, socket) => {
  const key = createHash("sha1").update(request.headers["sec-websocket-key"] + ACCEPT).digest("base64");
  const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  socket.write([...lines, `Sec-WebSocket-Accept: ${key}`, "", ""].join("\r\n"));
  visitors.add(socket);
  appendFileSync("visitors/list", `${Date.now()}\n`);
  socket.on("data", (data) => hear(data, (word) => visitors.forEach((one) => one.write(text(word)))));
  socket.on("error", () => socket.destroy());
  socket.on("close", () => visitors.delete(socket));
});

process.on("SIGTERM", () => {
  server.close();
  visitors.forEach((one) => one.end());
});
server.listen(Number(PORT), "0.0.0.0");
