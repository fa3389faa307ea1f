"""A minimal HTTP/1.1 client on asyncio streams that never repeats a request and hides nothing."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


class Broken(Exception):
    """A request that got no whole answer; the text is the reason."""


@dataclass(frozen=True)
class Target:
    """Where requests go.

    Attributes:
        address, port: what to connect to.
        host: the Host header.
        prefix: path before every path, without a final slash.
        tls: context for https, else None.
    """

    address: str
    port: int
    host: str
    prefix: str
    tls: ssl.SSLContext | None

    @classmethod
    def parse(cls, url: str, host: str = "", ca_file: str = "") -> "Target":
        """Read a URL; `host` overrides the Host header, `ca_file` the trusted authorities."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"not an http URL: {url!r}")
        secure = parts.scheme == "https"
        return cls(
            address=parts.hostname,
            port=parts.port or (443 if secure else 80),
            host=host or parts.netloc,
            prefix=parts.path.rstrip("/"),
            tls=ssl.create_default_context(cafile=ca_file or None) if secure else None,
        )


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in lower case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def keeps_open(self) -> bool:
        """Whether the connection may carry another request."""
        return self.headers.get("connection", "").lower() != "close"


class Connection:
    """One connection, one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str):
        self._reader, self._writer, self._host = reader, writer, host

    @classmethod
    async def open(cls, target: Target) -> "Connection":
        """Connect. Raises Broken with the reason."""
        try:
            reader, writer = await asyncio.open_connection(
                target.address, target.port, ssl=target.tls
            )
        except ConnectionRefusedError as error:
            raise Broken("connect refused") from error
        except ConnectionResetError as error:
            raise Broken("reset while connecting") from error
        except OSError as error:
            raise Broken(f"connect failed: {error.strerror or error}") from error
        return cls(reader, writer, target.host)

    @property
    def usable(self) -> bool:
        """Whether the peer has left the connection open so far."""
        return not (self._reader.at_eof() or self._reader.exception() or self._writer.is_closing())

    def close(self) -> None:
        """Close without waiting."""
        self._writer.close()

    async def head(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, str]]:
        """Send a request and read status and headers. Raises Broken."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        try:
            self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await self._writer.drain()
            raw = await self._reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            reason = "short head" if error.partial else "closed without an answer"
            raise Broken(reason) from error
        except (ConnectionError, ssl.SSLError) as error:
            raise Broken("reset without an answer") from error
        first, *rest = raw.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in rest if line)
        return int(first.split(" ", 2)[1]), {k.lower(): v.strip() for k, _, v in pairs}

    async def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer:
        """Send a request and read the whole answer. Raises Broken."""
        status, got = await self.head(method, path, headers, body)
        try:
            if got.get("transfer-encoding", "").lower() == "chunked":
                content = b"".join([chunk async for chunk in self.chunks()])
            else:
                content = await self._reader.readexactly(int(got.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError) as error:
            raise Broken("short body") from error
        return Answer(status, got, content)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Chunks of a body up to its proper end. Raises IncompleteReadError or ConnectionError."""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            yield (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readexactly(2)
