"""Clerk's JWKS on this machine: real HTTP, counted, changed and broken by the tests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jwt.algorithms import RSAAlgorithm

from tests.tokens import key_pair


def published(*names: str) -> dict[str, Any]:
    """The JWKS that holds the public keys of those names."""
    keys = [
        {**RSAAlgorithm.to_jwk(key_pair(name).public_key(), as_dict=True),
         "kid": name, "use": "sig", "alg": "RS256"}
        for name in names
    ]  # fmt: skip
    return {"keys": keys}


class KeyServer:
    """What it answers with, and how often it has been asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self.body = json.dumps(published("first"))
        self.requests = 0
        self.go = threading.Event()  # answers wait for it
        self.go.set()

    def publish(self, *names: str) -> None:
        """Answer with these keys from now on."""
        self.body = json.dumps(published(*names))


@contextmanager
def key_server() -> Iterator[KeyServer]:
    """A server for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.requests += 1
            state.go.wait(60)
            self.send_response(state.status)
            self.end_headers()
            self.wfile.write(state.body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = KeyServer(f"http://127.0.0.1:{server.server_port}/.well-known/jwks.json")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.go.set()
        server.shutdown()
        thread.join()
        server.server_close()
