"""What `smoke.yml` takes for an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from plugins.action.smoke import ask
from tests.support.ports import free_ports


class Handler(BaseHTTPRequestHandler):
    """Answers with the status that the path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.lstrip("/")))
        self.send_header("Location", "/200")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Base URL of a server."""
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("status", [200, 308, 401, 503])
def test_every_status_is_an_answer_redirects_too(url: str, status: int) -> None:
    answer = ask(f"{url}/{status}", timeout_s=10)
    assert (answer.status, answer.body, answer.error) == (status, "hello", "")


def test_nobody_there_is_told_with_the_reason() -> None:
    [port] = free_ports(1)
    answer = ask(f"http://127.0.0.1:{port}/", timeout_s=10)
    assert answer.status == 0 and "no answer (" in answer.error and "refused" in answer.error
