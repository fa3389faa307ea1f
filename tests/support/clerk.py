"""A stand-in for Clerk, as far as a sign-in by ticket needs it: it checks what it is sent.

Both of its APIs at one address. Like Clerk's it wants the secret key for a ticket, a form for a sign-in, a
known browser on a development instance, the browser's cookie afterwards, and it uses a ticket once. Its
tokens are signed, and their `azp` is the origin that asks.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SESSION = "/v1/client/sessions/"


@cache
def key_pair() -> rsa.RSAPrivateKey:
    """Made once a run: it takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Clerk:
    """What it knows and has been asked; `url` is issuer and Backend API in one."""

    secret_key: str
    url: str = ""
    users: set[str] = field(default_factory=lambda: {"user_test"})
    status: str = "complete"  # of each sign-in
    tickets: dict[str, str] = field(default_factory=dict)
    browsers: set[str] = field(default_factory=set)
    sessions: dict[str, str] = field(default_factory=dict)  # those that have not ended
    cookies: set[str] = field(default_factory=set)
    key: rsa.RSAPrivateKey = field(default_factory=key_pair)

    def public_pem(self) -> str:
        """What verifies its tokens, as CLERK_JWT_KEY holds it."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()

    def token(self, subject: str, origin: str, session: str) -> str:
        """A session token."""
        now = int(time.time())
        claims = {"sub": subject, "azp": origin, "iss": self.url, "sid": session, "v": 2,
                  "iat": now, "nbf": now - 10, "exp": now + 60}  # fmt: skip
        parts = [encoded({"alg": "RS256", "typ": "JWT", "kid": "stand-in"}), encoded(claims)]
        text = ".".join(parts).encode()
        signature = self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        return f"{text.decode()}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    def answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        """Status and document for a POST."""
        if request.path == "/v1/sign_in_tokens":
            return self._ticket(request)
        if not request.origin:
            return refusal(400, "origin_missing")
        if request.path == "/v1/dev_browser":
            browser = f"dvb_{secrets.token_hex(8)}"
            self.browsers.add(browser)
            return 200, {"object": "dev_browser", "token": browser}
        if "_test_" in self.secret_key and request.query.get("__clerk_db_jwt") not in self.browsers:
            return refusal(401, "dev_browser_unauthenticated")
        if request.path == "/v1/client/sign_ins":
            return self._sign_in(request)
        session, _, verb = request.path.removeprefix(SESSION).partition("/")
        if not request.path.startswith(SESSION) or request.cookie not in self.cookies:
            return refusal(401, "authentication_invalid")
        if session not in self.sessions:
            return refusal(404, "resource_not_found")
        if verb == "end":
            del self.sessions[session]
            return 200, {"response": {"id": session, "status": "ended"}}
        token = self.token(self.sessions[session], request.origin, session)
        return 200, {"object": "token", "jwt": token}

    def _ticket(self, request: Request) -> tuple[int, dict[str, Any]]:
        if request.authorization != f"Bearer {self.secret_key}":
            return refusal(401, "clerk_key_invalid")
        wanted = json.loads(request.body)
        if wanted["user_id"] not in self.users:
            return refusal(404, "resource_not_found")
        ticket = f"ticket_{secrets.token_hex(8)}"
        self.tickets[ticket] = wanted["user_id"]
        return 200, {"object": "sign_in_token", "token": ticket, "status": "pending"}

    def _sign_in(self, request: Request) -> tuple[int, dict[str, Any]]:
        if request.kind != "application/x-www-form-urlencoded":
            return refusal(415, "unsupported_content_type")
        form = {name: value[0] for name, value in parse_qs(request.body).items()}
        user = self.tickets.pop(form.get("ticket", ""), "")
        if form.get("strategy") != "ticket" or not user:
            return refusal(400, "ticket_invalid_code")
        if self.status != "complete":
            return 200, {"response": {"status": self.status, "created_session_id": None}}
        session = f"sess_{secrets.token_hex(8)}"
        self.sessions[session] = user
        return 200, {"response": {"status": "complete", "created_session_id": session}}


@dataclass(frozen=True)
class Request:
    """A POST, as Clerk looks at it."""

    path: str
    query: dict[str, str]
    body: str
    kind: str
    origin: str
    authorization: str
    cookie: str


def encoded(part: dict[str, Any]) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def refusal(status: int, code: str) -> tuple[int, dict[str, Any]]:
    """How Clerk says no."""
    return status, {"errors": [{"code": code, "message": code.replace("_", " ")}]}


@contextmanager
def clerk(secret_key: str) -> Iterator[Clerk]:
    """A stand-in for the length of the block."""
    state = Clerk(secret_key)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            target = urlsplit(self.path)
            size = int(self.headers.get("Content-Length") or 0)
            request = Request(
                target.path,
                {name: value[0] for name, value in parse_qs(target.query).items()},
                self.rfile.read(size).decode(),
                (self.headers.get("Content-Type") or "").partition(";")[0],
                self.headers.get("Origin") or "",
                self.headers.get("Authorization") or "",
                (self.headers.get("Cookie") or "").removeprefix("__client="),
            )
            status, document = state.answer(request)
            self.send_response(status)
            if request.path == "/v1/client/sign_ins" and status == 200:
                cookie = secrets.token_hex(8)
                state.cookies.add(cookie)
                self.send_header("Set-Cookie", f"__client={cookie}; Path=/; HttpOnly")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield state
        server.shutdown()
