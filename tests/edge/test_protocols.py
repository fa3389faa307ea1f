"""What an application may need beside plain requests: HTTP/2 all the way for gRPC, and one replica for a user."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest

from tests.edge.process import Answer, Balancer, Edge, proxy_folder
from tests.render.edge_texts import backends, slot
from tests.support.waiting import PATIENCE_S, wait_until

QUIET_S = 2.0


def says(text: str) -> type[BaseHTTPRequestHandler]:
    """A server that answers every question by a text, and by the cookies it was sent."""

    class Server(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = f"{text} {self.headers.get('Cookie', '')}".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """A test has no use for it."""

    return Server


@contextmanager
def http_server(address: str, port: int, text: str) -> Iterator[ThreadingHTTPServer]:
    """One that listens inside the block, or until it is shut down."""
    server = ThreadingHTTPServer((address, port), says(text))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


# -- gRPC


class Greeter(grpc.GenericRpcHandler):
    """A unary method that returns its text, and a stream that is quiet between its two."""

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        if call.method == "/greeter/stream":
            return grpc.unary_stream_rpc_method_handler(self.stream)
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"hello " + request)

    def stream(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield b"first"
        threading.Event().wait(QUIET_S)
        yield b"second"


@pytest.fixture
def greeter(bare: Edge) -> Iterator[grpc.Channel]:
    """A client of a gRPC service behind the edge, by the port of users without TLS."""
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Greeter(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with http_server("127.0.0.1", 0, "well") as health:
        asked = {"check_port": health.server_port, "timeout_s": QUIET_S / 2}
        blue = slot("api-blue", "127.0.0.1", port=port, protocol="h2", **asked)
        bare.write("backends.cfg", backends(blue))
        bare.start()
        with grpc.insecure_channel(f"127.0.0.1:{bare.port}") as channel:
            yield channel
    server.stop(0)


def assert_greeted(channel: grpc.Channel) -> None:
    """Both methods answer; the stream may be quiet for longer than the service's `timeout`."""
    hello: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/greeter/hello")
    assert hello(b"you", timeout=PATIENCE_S) == b"hello you"
    stream: grpc.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream("/greeter/stream")
    assert list(stream(b"", timeout=PATIENCE_S)) == [b"first", b"second"]


@pytest.mark.promise("T13")
def test_grpc_speaks_http2_with_the_container(greeter: grpc.Channel, bare: Edge) -> None:
    wait_until(lambda: ",L7OK," in bare.ask("show stat -1 4 -1"), "its health is asked by HTTP/1.1")
    assert_greeted(greeter)


@contextmanager
def balanced(edge: Edge, **changes: object) -> Iterator[Balancer]:
    """A running balancer before two hosts, both of them the same edge."""
    host = {"address": "127.0.0.1", "port": edge.port, "ready_port": edge.ready_port}
    with proxy_folder(Balancer) as balancer:
        balancer.configure(
            balancer_hosts=[{**host, "name": n} for n in ("app1", "app2")], **changes
        )
        balancer.start()
        yield balancer


@pytest.mark.promise("T13")
def test_grpc_comes_through_the_balancer(greeter: grpc.Channel, bare: Edge) -> None:
    with (
        balanced(bare) as balancer,
        grpc.insecure_channel(f"127.0.0.1:{balancer.port}") as channel,
    ):
        assert_greeted(channel)


# -- one replica for a user


@pytest.fixture
def replicas(bare: Edge) -> Iterator[dict[str, ThreadingHTTPServer]]:
    """{name: replica} of two in each slot, before a running edge that keeps users at theirs."""
    names = {"blue": ("127.0.0.11", "127.0.0.12"), "green": ("127.0.0.21", "127.0.0.22")}
    with ExitStack() as running:
        found: dict[str, ThreadingHTTPServer] = {}
        port = 0
        for colour, addresses in names.items():
            for number, address in enumerate(addresses, 1):
                name = f"{colour}-{number}"
                found[name] = running.enter_context(http_server(address, port, name))
                port = found[name].server_port
        sticky = {"port": port, "cookie": "delight-api", "check_timeout_s": 0.5}
        both = (slot(f"api-{colour}", *ours, **sticky) for colour, ours in names.items())
        bare.write("backends.cfg", backends(*both))
        bare.start()
        yield found


def cookie(answer: Answer) -> str:
    """The cookie that an answer sets, as a client sends it back; empty where it sets none."""
    return str(answer.headers["Set-Cookie"] or "").partition(";")[0]


@pytest.mark.promise("T13")
def test_a_user_stays_at_a_replica(bare: Edge, replicas: dict[str, ThreadingHTTPServer]) -> None:
    first = bare.get("/")
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert "SameSite=Lax" in first.headers["Set-Cookie"]
    number = cookie(first).removeprefix("delight-api=")
    mine = {"Cookie": f"{cookie(first)}; own=1"}
    said = {bare.get("/", mine).body.decode() for _ in range(6)}
    assert said == {f"blue-{number} own=1"}, "the application does not see the edge's cookie"
    assert len({bare.get("/").body for _ in range(6)}) == 2, "others are spread"

    # After a deploy it is the replica of the same number.
    bare.commit("live.map", {"*/": "api-green"})
    assert bare.get("/", mine).body.decode() == f"green-{number} own=1"

    # One that is gone costs the user what it knew, and no request.
    gone = replicas[f"green-{number}"]
    gone.shutdown()
    gone.server_close()
    answer = bare.get("/", mine)
    other = str(3 - int(number))
    assert (answer.status, answer.body.decode()) == (200, f"green-{other} own=1")
    assert cookie(answer) == f"delight-api={other}"


@pytest.mark.promise("T13")
def test_a_user_stays_at_a_host(bare: Edge, replicas: dict[str, ThreadingHTTPServer]) -> None:
    with balanced(bare, balancer_sticky=True) as balancer:
        first = balancer.get("/")
        set_by = [one.partition(";")[0] for one in first.headers.get_all("Set-Cookie", [])]
        assert sorted(one.partition("=")[0] for one in set_by) == ["delight-api", "delight-host"]
        again = [balancer.get("/", {"Cookie": "; ".join(set_by)}) for _ in range(6)]
        assert {answer.body for answer in again} == {first.body}
        assert not any(answer.headers["Set-Cookie"] for answer in again)
