"""The gate against a real server on loopback; what Docker says of the container is given."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from delight.host import gate

from .replica import DIED, REPLICA, health

Said = tuple[int, Any, dict[str, str]]
GOOD: Said = (200, {"release": "v2"}, {})


class Server:
    """Answers with `answers` in turn, the last one again and again; notes what it was asked."""

    def __init__(self, *answers: Said) -> None:
        self.asked: list[tuple[str, str]] = []
        self.headers: list[Message] = []
        waiting = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:
                self.asked.append((handler.path, handler.headers["Host"]))
                self.headers.append(handler.headers)
                status, body, headers = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                handler.send_response(status)
                for name, value in headers.items():
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())

            def log_message(handler, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(*answers: Said) -> Server:
        running.append(Server(*answers))
        return running[-1]

    yield start
    for one in running:
        one.server.shutdown()
        one.server.server_close()


def passed(port: int, **changes: Any) -> dict[str, Any]:
    return gate.pass_http(REPLICA, health(port, **changes), "v2")


@pytest.mark.promise("G1")
@pytest.mark.usefixtures("lives")
def test_it_passes_after_as_many_good_answers_in_a_row_as_are_asked(serve: Any) -> None:
    bad: Said = (503, "starting", {})
    server = serve(bad, GOOD, GOOD, bad, GOOD)
    found = passed(server.port)
    assert (found["passed"], found["event"]) == (True, "passed")
    assert server.asked == [("/ready", "app.test")] * 7
    assert (found["name"], found["id"]) == ("api-1", "c1")


@pytest.mark.promise("G1")
@pytest.mark.usefixtures("lives")
@pytest.mark.parametrize(
    ("answer", "changes"),
    [
        ((204, "", {}), {"status": 204, "release": "none"}),
        ((200, "fine", {"X-Release": "v2"}), {"release": "header:x-release"}),
        ((200, {"app": {"id": "v2"}}, {}), {"release": "json:app.id"}),
        ((200, "fine", {}), {"release": "none"}),
    ],
)
def test_what_counts_as_good_is_declared(serve: Any, answer: Said, changes: Any) -> None:
    assert passed(serve(answer).port, **changes)["passed"]


@pytest.mark.promise("G2")
@pytest.mark.usefixtures("lives")
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, {"release": "v1"}, {}), "'v1'"),
        ((200, {"version": "v2"}, {}), "None"),
        ((200, "not JSON", {}), "None"),
        ((200, [], {}), "None"),
    ],
)
def test_a_good_answer_of_another_release_fails_after_as_many(
    serve: Any, answer: Said, says: str
) -> None:
    server = serve(answer)
    found = passed(server.port)
    assert (found["passed"], found["event"]) == (False, "wrong_release")
    assert found["reason"] == f"it answers as release {says}, not 'v2'"
    assert len(server.asked) == 3


@pytest.mark.promise("G1")
@pytest.mark.usefixtures("lives")
def test_one_that_never_is_healthy_fails_at_its_time_with_its_last_answer(serve: Any) -> None:
    found = passed(serve((503, "no database", {})).port, timeout_s=0.3)
    assert (found["passed"], found["event"]) == (False, "timeout")
    assert found["reason"] == "no 3 good answers in a row within 0.3 s"
    assert found["answer"] == "503 no database"


@pytest.mark.usefixtures("lives")
def test_one_that_never_answers_is_told_by_the_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and never listens
        found = passed(closed.getsockname()[1], timeout_s=0.05)
    assert found["event"] == "timeout"
    assert found["answer"].startswith("no answer (ConnectionRefusedError")


@pytest.mark.promise("G3")
def test_one_that_exits_fails_at_once(serve: Any, lives: Any) -> None:
    lives(DIED)
    server = serve(GOOD)
    found = passed(server.port)
    assert (found["passed"], found["event"], found["reason"]) == (False, "exited", DIED)
    assert server.asked == []


@pytest.mark.promise("G7")
def test_one_that_is_healthy_once_and_crashes_fails(serve: Any, lives: Any) -> None:
    lives("", "", DIED)
    found = passed(serve(GOOD).port)
    assert (found["passed"], found["event"], found["reason"]) == (False, "exited", DIED)
    assert found["answer"].startswith("200 ")


@pytest.fixture
def deaf() -> Iterator[int]:
    """A port that takes no connection, as its queue is full; who waits for long is answered well."""
    over = threading.Event()
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())

        def give_in() -> None:
            over.wait(2)
            listener.settimeout(0.1)
            while not over.is_set():
                with suppress(OSError), listener.accept()[0] as client:
                    client.sendall(b'HTTP/1.0 200 OK\r\n\r\n{"release": "v2"}')

        thread = threading.Thread(target=give_in, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        thread.join()


@pytest.mark.promise("G3")
def test_one_that_vanishes_while_it_is_connected_to_is_given_up_soon(deaf: int, lives: Any) -> None:
    lives("", DIED)
    found = passed(deaf)
    assert (found["event"], found["reason"]) == ("exited", DIED)
    assert found["answer"].startswith("no answer (TimeoutError")


def test_an_answer_that_trickles_has_a_bound() -> None:
    gone, pause = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                try:
                    for _ in range(200):
                        pause.wait(0.01)
                        client.sendall(b".")
                except OSError:
                    gone.set()

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        found = gate.probe("127.0.0.1", listener.getsockname()[1], "/", "h", timeout_s=0.1)
        thread.join()
    assert gone.is_set(), "it was read to its end"
    assert found.slow


@pytest.mark.promise("G8")
@pytest.mark.usefixtures("lives")
def test_an_answer_that_comes_too_late_for_the_edge_too_is_named_by_its_key() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # it connects, and nobody answers
        found = passed(listener.getsockname()[1], answer_s=0.05, timeout_s=0.2)
    assert found["reason"] == (
        "no 3 good answers in a row within 0.2 s; one takes longer than 0.05 s (health.answer)"
    )


@pytest.mark.promise("G8")
@pytest.mark.usefixtures("lives")
def test_an_application_that_sends_plain_http_elsewhere_is_asked_as_its_users_do(
    serve: Any,
) -> None:
    server = serve(GOOD)
    assert passed(server.port, headers={"X-Forwarded-Proto": "https"})["passed"]
    assert {headers["X-Forwarded-Proto"] for headers in server.headers} == {"https"}
