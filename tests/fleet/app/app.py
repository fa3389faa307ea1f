"""The application of the fleet tests: small, standard library only, with faults to order.

Environment (all optional):
    PORT            port to serve; empty or 0 makes it a worker that only beats
    RELEASE         release id, part of every answer
    VERSION         version, baked into the image
    BEHAVIOUR       good | never_healthy | exits_at_once | healthy_once_then_crashes |
                    wrong_version | slow_start | broken_migration (see migrate.py);
                    baked into the image
    START_DELAY_S   seconds before it listens (slow_start: 3 when unset)
    GRACE_S         seconds that requests in flight get after SIGTERM
    LOG_POSTS       set to anything: print the X-Request-Id of every POST
    TICK_S          seconds between two lines of a stream, or two beats of a worker

Routes (below any prefix): …/health, …/health/detailed, POST …/echo, …/slow?s=2, …/stream,
…/freeze?s=4 (answers, then the whole process stands still); everything else says who answers.

`app.py check` is the container's health check.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

PORT = int(os.environ.get("PORT") or 0)
BEHAVIOUR = os.environ.get("BEHAVIOUR") or "good"
RELEASE = "some-other-release" if BEHAVIOUR == "wrong_version" else os.environ.get("RELEASE", "")
VERSION = os.environ.get("VERSION", "")
START_DELAY_S = float(os.environ.get("START_DELAY_S") or (3 if BEHAVIOUR == "slow_start" else 0))
GRACE_S = float(os.environ.get("GRACE_S") or 10)
TICK_S = float(os.environ.get("TICK_S") or (0.1 if PORT else 1.0))
LOG_POSTS = bool(os.environ.get("LOG_POSTS"))
BEAT_FILE = "/dev/shm/beat"  # noqa: S108 - writable where the root file system is not
WHO = {
    "release": RELEASE,
    "version": VERSION,
    "host": socket.gethostname(),
    "slot": os.environ.get("SLOT", ""),
}
HEAD = f"X-Release: {RELEASE}\r\nX-Version: {VERSION}\r\n"


def say(event: str, **more: object) -> None:
    """Print one JSON line."""
    print(json.dumps({"event": event, "at": round(time.time(), 3), **WHO, **more}), flush=True)


class Server:
    """An HTTP/1.1 server that counts what is in flight."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.busy = 0
        self.idle: set[asyncio.StreamWriter] = set()
        self.posts: dict[str, int] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        try:
            while not self.stopping.is_set():
                self.idle.add(writer)
                head = await reader.readuntil(b"\r\n\r\n")
                self.idle.discard(writer)
                self.busy += 1
                try:
                    if not await self.answer(head.decode("latin-1"), reader, writer):
                        break
                finally:
                    self.busy -= 1
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            self.idle.discard(writer)
            writer.close()

    async def answer(
        self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; true when the connection stays open."""
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {
            k.strip().lower(): v.strip() for k, _, v in (x.partition(":") for x in lines if x)
        }
        body = await reader.readexactly(int(headers.get("content-length") or 0))
        url = urlsplit(target)
        seconds = float(parse_qs(url.query).get("s", ["2"])[0])
        last = url.path.rstrip("/").rsplit("/", 1)[-1]
        keep = headers.get("connection", "").lower() != "close" and not self.stopping.is_set()

        if last == "stream":
            await self.stream(writer)
            return False
        status, payload, more = "200 OK", b"", ""
        if last == "health" or url.path.endswith("/health/detailed"):
            status, payload = self.health()
        elif method == "POST" and last == "echo":
            key = headers.get("x-request-id", "")
            self.posts[key] = self.posts.get(key, 0) + 1
            if LOG_POSTS:
                say("post", id=key)
            more = f"X-Seen: {self.posts[key]}\r\n"
            payload = body
        else:
            if last == "slow":
                await asyncio.sleep(seconds)
            payload = json.dumps({**WHO, "path": target, "headers": headers}).encode()
        writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{HEAD}{more}"
            f"Content-Length: {len(payload)}\r\n"
            "Keep-Alive: timeout=75\r\n"
            f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n".encode() + payload
        )
        await writer.drain()
        if last == "freeze":
            time.sleep(seconds)  # standing still is the point
        return keep

    def health(self) -> tuple[str, bytes]:
        """Status line and body of the health answer, as ordered by BEHAVIOUR."""
        if BEHAVIOUR == "never_healthy":
            body = {"status": "unhealthy", **WHO, "reason": "told to be"}
            return "503 Service Unavailable", json.dumps(body).encode()
        if BEHAVIOUR == "healthy_once_then_crashes":
            asyncio.get_running_loop().call_later(0.02, crash)
        return "200 OK", json.dumps({"status": "healthy", **WHO}).encode()

    async def stream(self, writer: asyncio.StreamWriter) -> None:
        """Send a line a tick until the client leaves or the process is told to stop."""
        writer.write(
            f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{HEAD}"
            "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
        )
        async for line in self.ticks():
            writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def ticks(self) -> AsyncIterator[bytes]:
        """Lines of a stream, until the stop."""
        number = 0
        while not self.stopping.is_set():
            number += 1
            yield f"data: {number} {RELEASE}\n\n".encode()
            try:
                await asyncio.wait_for(self.stopping.wait(), TICK_S)
            except TimeoutError:
                continue

    async def run(self) -> None:
        """Serve until SIGTERM, then let what is in flight finish."""
        server = await asyncio.start_server(self.serve, "0.0.0.0", PORT, backlog=1024)  # noqa: S104
        say("listening", port=PORT)
        await self.stopping.wait()
        server.close()
        for writer in list(self.idle):
            writer.close()
        until = time.monotonic() + GRACE_S
        while self.busy and time.monotonic() < until:
            await asyncio.sleep(0.01)

    async def beat(self) -> None:
        """A worker's life: a line and a touched file every tick."""
        number = 0
        while not self.stopping.is_set():
            number += 1
            say("beat", number=number)
            with open(BEAT_FILE, "w", encoding="utf-8") as file:
                file.write(f"{number}\n")
            try:
                await asyncio.wait_for(self.stopping.wait(), TICK_S)
            except TimeoutError:
                continue


def crash() -> None:
    """End without any courtesy."""
    say("crash")
    os._exit(3)


def check() -> int:
    """Exit status of the container's health check."""
    import urllib.request

    if not PORT:
        return int(time.time() - os.stat(BEAT_FILE).st_mtime > 5 * TICK_S)
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health", timeout=2) as answer:
        return int(answer.status != 200)


async def main() -> None:
    """Start as BEHAVIOUR says and run until told to stop."""
    say("start", behaviour=BEHAVIOUR)
    if BEHAVIOUR == "exits_at_once":
        raise SystemExit("told to exit at once")
    app = Server()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, app.stopping.set)
    try:
        await asyncio.wait_for(app.stopping.wait(), START_DELAY_S)
    except TimeoutError:
        await (app.run() if PORT else app.beat())
    say("stop")


if __name__ == "__main__":
    if sys.argv[1:] == ["check"]:
        raise SystemExit(check())
    asyncio.run(main())
