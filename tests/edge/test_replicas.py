"""How the edge treats connections to the replicas: kept ones, idle ones, frozen and dying ends."""

from __future__ import annotations

import csv
import http.client
import json
import socket
import threading
import time
from contextlib import suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.edge.application import application
from tests.edge.process import Edge
from tests.fleet.support.load import Load
from tests.render.edge_texts import backends, defaults, slot
from tests.support.waiting import PATIENCE_S, wait_until


@pytest.mark.promise("T2")
def test_a_kept_connection_moves_with_the_map(edge: Edge) -> None:
    client = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=PATIENCE_S)
    seen = []
    for name in ("api-blue", "api-green"):
        edge.commit("live.map", {"*/": name})
        client.request("GET", "/")
        seen.append(json.loads(client.getresponse().read())["release"])
    assert seen == ["api-blue", "api-green"]
    client.close()


def test_idle_connections_to_replicas_go_by_themselves(edge: Edge) -> None:
    """An application closes them too, uvicorn after 5 s; a request sent just then would be lost."""
    clients = [
        http.client.HTTPConnection("127.0.0.1", edge.port, timeout=PATIENCE_S) for _ in range(8)
    ]
    reused = int(server(edge, "1")["reuse"])
    for client in clients * 2:
        client.request("GET", "/")
        client.getresponse().read()
    assert int(server(edge, "1")["reuse"]) > reused, "connections are kept"
    wait_until(lambda: idle(edge) == 0, "no idle connection is left")
    for client in clients:
        client.close()


def idle(edge: Edge) -> int:
    """Idle connections to blue."""
    lines = edge.ask("show servers conn api-blue").splitlines()
    names = lines[0].lstrip("# ").split()
    server = next(line.split() for line in lines if line.startswith("api-blue/1 "))
    return int(server[names.index("idle_cur")])


@pytest.mark.promise("T9")
def test_a_frozen_application_costs_waiting(bare: Edge) -> None:
    """When all checks fail, requests go to the unchecked twin and wait there until it goes on."""
    checks = {"interval": "200ms", "interval_changing": "50ms", "interval_down": "50ms"}
    bare.configure(edge_checks={**checks, "fall": 2})
    with application("api-blue") as app:
        asked = {"check_path": "/health", "check_timeout_s": 0.2}
        blue = slot("api-blue", "127.0.0.1", port=app.port, **asked)
        bare.write("backends.cfg", backends(blue))
        bare.start()
        url = f"http://127.0.0.1:{bare.port}"
        with Load(url, rate=50, slow_rate=0, streams=0, timeout_s=PATIENCE_S) as load:
            with app.frozen():
                wait_until(lambda: "DOWN" in server(bare, "1")["status"], "the checks fail")
                wait_until(lambda: int(server(bare, "1-backup")["scur"]) > 0, "the twin is asked")
                told = time.time()
            wait_until(lambda: "UP" in server(bare, "1")["status"], "the application is back")
    assert load.report.failures == []
    assert [one for one in load.report.served if one.sent < told < one.answered]


@pytest.mark.promise("T13")
def test_a_quiet_event_stream_lasts_as_long_as_tunnel_says(bare: Edge) -> None:
    """Neither the time for an answer nor that of a client ends it."""
    bare.configure(edge_timeouts={**defaults("edge")["edge_timeouts"], "client": "300ms"})
    with application("api-blue", TICK_S="0.9") as app:
        for tunnel_s, lines in ((60, 2), (0.4, 1)):
            blue = slot("api-blue", "127.0.0.1", port=app.port, timeout_s=0.3, tunnel_s=tunnel_s)
            bare.write("backends.cfg", backends(blue))
            bare.start()
            client = http.client.HTTPConnection("127.0.0.1", bare.port, timeout=PATIENCE_S)
            client.request("GET", "/stream")
            answer = client.getresponse()
            told: list[bytes] = []
            with suppress(http.client.IncompleteRead):
                while len(told) < 2 and (line := answer.readline()):
                    told += [line] if line.strip() else []
            client.close()
            bare.stop()
            assert len(told) == lines


@pytest.mark.promise("G8")
def test_checks_ask_the_port_and_send_the_headers_that_are_given(bare: Edge) -> None:
    """The application answers on another port than the one it is checked on."""
    asked: list[Message] = []

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers)
            self.send_response(200)
            self.end_headers()

    with application("api-blue") as app, ThreadingHTTPServer(("127.0.0.1", 0), Health) as health:
        threading.Thread(target=health.serve_forever, args=(0.01,), daemon=True).start()
        headers = {"X-Forwarded-Proto": "https", "X-Probe": "yes, it is"}
        of_health = {"check_port": health.server_address[1], "check_headers": headers}
        blue = slot("api-blue", "127.0.0.1", port=app.port, **of_health)
        bare.write("backends.cfg", backends(blue))
        bare.start()
        wait_until(lambda: server(bare, "1")["check_status"] == "L7OK", "it is checked")
        assert bare.get("/").said["release"] == "api-blue"
        health.shutdown()
    assert {name: asked[0][name] for name in headers} == headers


def server(edge: Edge, name: str) -> dict[str, str]:
    """The statistics of one of blue's servers."""
    rows = csv.DictReader(edge.ask("show stat api-blue 4 -1").removeprefix("# ").splitlines())
    return next(row for row in rows if row["svname"] == name)


@pytest.mark.promise("T9")
def test_a_post_is_never_repeated(bare: Edge) -> None:
    """An application that dies over a request gets it once."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def die_over_requests() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    got = client.recv(65536)
                    asked.append(got.split(b" ")[0])

        thread = threading.Thread(target=die_over_requests, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        bare.write("backends.cfg", backends(slot("api-blue", "127.0.0.1", "127.0.0.1", port=port)))
        bare.start()
        client = http.client.HTTPConnection("127.0.0.1", bare.port, timeout=PATIENCE_S)
        client.request("POST", "/", body=b"once")
        assert client.getresponse().status == 502
        client.close()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_S)
    assert asked.count(b"POST") == 1
