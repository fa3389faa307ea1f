"""A stub of the part of a registry that is asked before a deploy: manifests, blobs, logins.

    with stub_registry(folder) as registry:
        digest = registry.push("delight", "v1", {"a label": "its value"})

`tests/image` holds its answers against those of a real registry.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from delight.registry import Login

from tests.support.certificates import self_signed
from tests.support.waiting import PATIENCE_S

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
BLOB = "application/octet-stream"
PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<name>[^/]+)")
TOKEN = "a-token-for-"


class Stored(NamedTuple):
    """What stands under a path: its media type and its bytes."""

    kind: str
    body: bytes

    @property
    def digest(self) -> str:
        """The name that the content gives it."""
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"


@dataclass
class StubRegistry:
    """What is stored and who may ask; `asked` lists "METHOD path" of each request so far."""

    address: str
    ca: str
    username: str = ""
    password: str = ""
    # Basic asks for the login itself, Bearer for a token from /token; Bearer without a user name
    # gives one to everybody, as for public images.
    scheme: str = "Basic"
    token_key: str = "token"
    realm: str = ""  # who gives tokens, where it is not the registry itself
    # A status to give to every question about an image, and whether answers name digests.
    failing: int = 0
    names_digests: bool = True
    stored: dict[str, Stored] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def login(self) -> Login:
        """The login that is accepted."""
        return Login(self.username, self.password, self.ca)

    def logins(self) -> dict[str, Login]:
        """The same, by host."""
        return {self.address: self.login()}

    def put(self, repository: str, tag: str, kind: str, body: bytes) -> str:
        """Store a manifest under its digest and a tag; the digest."""
        found = Stored(kind, body)
        for name in (tag, found.digest):
            self.stored[f"/v2/{repository}/manifests/{name}"] = found
        return found.digest

    def put_blob(self, repository: str, body: bytes) -> str:
        """Store a blob; its digest."""
        found = Stored(BLOB, body)
        self.stored[f"/v2/{repository}/blobs/{found.digest}"] = found
        return found.digest

    def push(self, repository: str, tag: str, labels: Mapping[str, str] | None) -> str:
        """Store an image without layers; its digest."""
        config = {"os": "linux", "architecture": "amd64", "config": {"Labels": labels}}
        digest = self.put_blob(repository, json.dumps(config).encode())
        manifest = {"schemaVersion": 2, "config": {"digest": digest}, "layers": []}
        return self.put(repository, tag, MANIFEST, json.dumps(manifest).encode())

    def push_index(self, repository: str, tag: str, digests: list[str]) -> str:
        """Store an image of several platforms; its digest."""
        index = {"schemaVersion": 2, "manifests": [{"digest": digest} for digest in digests]}
        return self.put(repository, tag, INDEX, json.dumps(index).encode())

    def knows(self, authorization: str) -> bool:
        """Whether this header holds the login."""
        given = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        return not self.username or authorization == f"Basic {given}"

    def admits(self, authorization: str, scope: str) -> bool:
        """Whether this header allows what the scope names."""
        if self.scheme == "Bearer":
            return authorization == f"Bearer {TOKEN}{scope}"
        return self.knows(authorization)

    def challenge(self, scope: str) -> str:
        """What an answer without a login says of the way to one."""
        if self.scheme == "Bearer":
            realm = self.realm or f"https://{self.address}/token"
            return f'Bearer realm="{realm}",service="stub",scope="{scope}"'
        return 'Basic realm="stub"'


class Handler(BaseHTTPRequestHandler):
    """Answers from the server's `registry`."""

    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_S
    server: Server

    @property
    def registry(self) -> StubRegistry:
        """What is asked."""
        return self.server.registry

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.registry.asked.append(f"{self.command} {url.path}")
        if url.path == "/token":
            self.give_token(parse_qs(url.query))
        elif found := PATH.fullmatch(url.path):
            self.give(url.path, **found.groupdict())
        else:
            self.refuse(404, "NOT_FOUND")

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def give(self, path: str, repository: str, kind: str, name: str) -> None:
        """Answer with what is stored, to those who may have it and take its media type."""
        scope = f"repository:{repository}:pull"
        found = self.registry.stored.get(path)
        if not self.registry.admits(self.headers.get("Authorization", ""), scope):
            self.refuse(401, "UNAUTHORIZED", {"WWW-Authenticate": self.registry.challenge(scope)})
        elif self.registry.failing:
            self.refuse(self.registry.failing, "UNKNOWN")
        elif kind == "blobs" and found is None:
            self.refuse(404, "BLOB_UNKNOWN")
        elif found is None or (kind == "manifests" and found.kind not in self.accepted()):
            self.refuse(404, "MANIFEST_UNKNOWN")
        else:
            named = {"Docker-Content-Digest": found.digest} if self.registry.names_digests else {}
            self.answer(200, found.kind, found.body, named)

    def accepted(self) -> list[str]:
        """The media types that the client takes."""
        return [one.strip() for one in self.headers.get("Accept", "").split(",")]

    def give_token(self, asked: Mapping[str, list[str]]) -> None:
        """Answer as the token authority."""
        if not self.registry.knows(self.headers.get("Authorization", "")):
            self.refuse(401, "UNAUTHORIZED")
        elif asked.get("service") != ["stub"]:
            self.refuse(400, "UNSUPPORTED")
        else:
            body = {self.registry.token_key: TOKEN + asked["scope"][0], "expires_in": 300}
            self.answer(200, "application/json", json.dumps(body).encode())

    def refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        """Answer with an error."""
        body = {"errors": [{"code": code, "message": HTTPStatus(status).phrase, "detail": None}]}
        self.answer(status, "application/json; charset=utf-8", json.dumps(body).encode(), headers)

    def answer(
        self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send it all; to HEAD without the body."""
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Serves `registry`; at its end no connection is waited for."""

    daemon_threads = True
    block_on_close = False
    registry: StubRegistry


@contextmanager
def stub_registry(folder: Path, **settings: Any) -> Iterator[StubRegistry]:
    """One with TLS on loopback; its certificate lies in `folder`, `settings` are its fields."""
    pair = self_signed(folder)
    with Server(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        address = f"127.0.0.1:{server.server_port}"
        server.registry = StubRegistry(address, pair.certificate.read_text(), **settings)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.registry
        finally:
            server.shutdown()
            thread.join(PATIENCE_S)
