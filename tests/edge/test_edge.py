"""What the edge promises, asked of the image that hosts run."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.edge.process import Edge
from tests.render.edge_texts import EVERYTHING, backends, slot
from tests.support.waiting import PATIENCE_S, wait_until

ROUTES = {
    "*/": "api-blue",
    "*/api/": "api-green",
    "app.example.com/": "api-green",
    "app.example.com/api/v1/": "api-blue",
    "only.example.com/inner/": "api-green",
    "*.shops.example.com/": "api-green",
    "*.b.shops.example.com/": "api-blue",
    "*.b.shops.example.com/api/": "api-green",
    "named.shops.example.com/here/": "api-blue",
}


def test_the_image_accepts_every_form_of_the_files(bare: Edge) -> None:
    assert bare.complaint() == ""
    bare.write("backends.cfg", backends())
    assert bare.complaint() == "", "before the first deploy there is no slot"
    bare.write("backends.cfg", "")
    assert bare.complaint() == "", "nor a file of the engine's"
    bare.certify()
    bare.configure(**EVERYTHING)
    assert bare.complaint() == ""


@pytest.mark.promise("T13")
@pytest.mark.parametrize(
    ("host", "path", "served_by"),
    [
        ("example.com", "/", "api-blue"),
        ("example.com", "/api", "api-green"),
        ("example.com", "/api/", "api-green"),
        ("example.com", "/api/v1?x=/nothing/", "api-green"),
        ("example.com", "/apis", "api-blue"),
        ("app.example.com", "/", "api-green"),
        ("app.example.com", "/apis", "api-green"),
        ("app.example.com", "/api/v1/x", "api-blue"),
        ("APP.Example.com.:8080", "/api/v1", "api-blue"),
        ("only.example.com", "/inner/x", "api-green"),
        ("only.example.com", "/outer", "api-blue"),
        ("[::1]:80", "/api/v1", "api-green"),
        ("a.shops.example.com", "/x", "api-green"),
        ("1.2.3.4.5.6.7.8.shops.example.com", "/", "api-green"),
        ("shops.example.com", "/x", "api-blue"),
        ("a.b.shops.example.com", "/x", "api-blue"),
        ("A.B.shops.example.com.:80", "/api/x", "api-green"),
        ("b.shops.example.com", "/x", "api-green"),
        ("named.shops.example.com", "/here", "api-blue"),
        ("named.shops.example.com", "/there", "api-green"),
        ("localhost", "/x", "api-blue"),
    ],
)
def test_routes_match_at_segment_ends_longest_first(
    edge: Edge, host: str, path: str, served_by: str
) -> None:
    edge.commit("live.map", ROUTES)
    assert edge.get(path, {"Host": host}).said["release"] == served_by


@pytest.mark.parametrize("host", ["*", "a/b", "a b", "a!b"])
def test_a_host_that_is_no_name_is_refused(edge: Edge, host: str) -> None:
    assert edge.get("/", {"Host": host}).status == 400


def test_no_route_is_404_and_no_release_is_503(edge: Edge) -> None:
    edge.commit("live.map", {"*/api/": "api-blue"})
    assert edge.get("/other").status == 404
    edge.commit("live.map", {"*/api/": "gone-blue"})
    assert edge.get("/api").status == 503
    edge.commit("live.map", {})
    edge.commit("pool.map", {"pool": "in", "ready": "no"})
    empty = edge.get("/api")
    assert (empty.status, empty.headers["Retry-After"]) == (503, "2")


@pytest.mark.parametrize(
    ("pool", "status"),
    [
        ({"pool": "in", "ready": "yes"}, 200),
        ({"pool": "out", "ready": "yes"}, 503),
        ({"pool": "in", "ready": "no"}, 503),
        ({"pool": "in"}, 503),
        ({"ready": "yes"}, 503),
    ],
)
def test_readiness_says_whether_the_host_takes_part(
    edge: Edge, pool: dict[str, str], status: int
) -> None:
    edge.commit("pool.map", pool)
    answer = edge.get("/ready", port=edge.ready_port)
    assert answer.status == status, answer.body


def test_the_applications_own_keep_alive_stays_behind_the_edge(edge: Edge) -> None:
    assert "Keep-Alive" not in edge.get("/", {"Host": "example.com"}).headers


SPOOFED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example.com",
    "X-Forwarded-Port": "1",
    "X-Real-IP": "203.0.113.9",
    "Forwarded": "for=203.0.113.9",
}


def test_nobody_may_say_whom_they_speak_for(edge: Edge) -> None:
    got = edge.get("/", {"Host": "example.com", **SPOOFED}).said["headers"]
    assert got["x-forwarded-for"] == got["x-real-ip"] == "127.0.0.1"
    assert got["x-forwarded-proto"] == "http"
    assert got["x-forwarded-host"] == "example.com"
    assert got["x-forwarded-port"] == str(edge.port)
    assert got["forwarded"] == 'for=127.0.0.1;host="example.com";proto=http'


def test_a_declared_proxy_may(bare: Edge) -> None:
    bare.configure(edge_trusted_proxies=["127.0.0.2/32"])
    bare.start()
    got = bare.get("/", SPOOFED, source="127.0.0.2").said["headers"]
    assert {
        name.replace("_", "-").lower(): value for name, value in SPOOFED.items()
    }.items() <= got.items()
    bared = bare.get("/", source="127.0.0.2").said["headers"]
    assert bared["x-forwarded-for"] == "127.0.0.2"
    other = bare.get("/", SPOOFED, source="127.0.0.3").said["headers"]
    assert other["x-forwarded-for"] == "127.0.0.3"


def test_with_a_certificate_everyone_comes_by_https(bare: Edge) -> None:
    bare.certify()
    bare.configure(edge_tls=True)
    bare.start()
    sent = bare.get("/a?b=c", {"Host": "app.example.com:80"})
    assert (sent.status, sent.headers["Location"]) == (308, "https://app.example.com/a?b=c")
    secure = bare.get("/a", port=bare.tls_port)
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert secure.said["headers"]["x-forwarded-proto"] == "https"
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", bare.tls_port), PATIENCE_S) as raw,
        pytest.raises(OSError),
    ):
        old.wrap_socket(raw)


def test_every_line_of_the_log_says_who_answered(edge: Edge) -> None:
    edge.get("/logged?token=planted-word", {"Host": "example.com"})
    wait_until(lambda: '"path": "/logged"' in edge.logs(), "the request is logged")
    line = next(line for line in edge.logs().splitlines() if '"path": "/logged"' in line)
    said = json.loads(line)
    assert (said["backend"], said["server"], said["state"]) == ("api-blue", "1", "----")
    assert (said["host"], said["status"], said["client"]) == ("example.com", 200, "127.0.0.1")
    assert "planted-word" not in edge.logs()


@pytest.mark.promise("T13")
def test_large_headers_are_a_setting(bare: Edge) -> None:
    """A cookie that is too large is refused by the edge; so is an answer's header, which the log tells apart."""
    large = "x" * 20_000

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("X-Large", large if self.path == "/large" else "none")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as app:
        threading.Thread(target=app.serve_forever, args=(0.01,), daemon=True).start()
        blue = slot("api-blue", "127.0.0.1", port=app.server_address[1])
        bare.write("backends.cfg", backends(blue))
        for settings, request, answer in (({}, 400, 502), ({"edge_header_bytes": 32768}, 200, 200)):
            bare.configure(**settings)
            bare.start()
            assert bare.get("/", {"Host": "a.example", "Cookie": large}).status == request
            assert bare.get("/large", {"Host": "a.example"}).status == answer
            if not settings:
                wait_until(lambda: '"state": "PH--"' in bare.logs(), "an answer is refused")
                assert '"status": 400, "state": "PR--"' in bare.logs()
            bare.stop()
        app.shutdown()


def test_the_sockets_are_for_root_only(edge: Edge) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in Path(edge.root / "run").iterdir()}
    assert modes == {"admin.sock": 0o600, "master.sock": 0o600}


# Where services ask each other: another address of the loopback, since the ports are those of a start.
AMONG = ("127.0.0.9", 18090)


def ask_among(host: str, **headers: str) -> tuple[int, dict[str, Any]]:
    """(status, what the application says it got) of a question by a service's name."""
    client = http.client.HTTPConnection(*AMONG, timeout=PATIENCE_S)
    try:
        client.request("GET", "/x", headers={"Host": host, **headers})
        got = client.getresponse()
        said = got.read()
        return got.status, json.loads(said) if got.status == 200 else {}
    finally:
        client.close()


@pytest.mark.promise("T2")
def test_services_reach_the_live_slot_of_each_other_by_name(bare: Edge) -> None:
    bare.configure(edge_internal_binds=["{}:{}".format(*AMONG)], edge_https=True)
    bare.start()
    for live in ("api-blue", "api-green"):
        bare.commit("live.map", {"*/": "api-blue", "@api.internal": live})
        status, said = ask_among("api.internal")
        assert (status, said["release"]) == (200, live)
        assert said["headers"]["x-forwarded-proto"] == "https"
    asked = {"X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.9"}
    said = ask_among("API.internal.:80", **asked)[1]["headers"]
    assert (said["x-forwarded-proto"], said["x-forwarded-for"]) == ("http", "203.0.113.9")
    assert ask_among("other.internal")[0] == ask_among("*")[0] == 404
    assert bare.get("/", {"Host": "@api.internal"}).status == 400
    assert bare.get("/", {"Host": "api.internal"}).said["release"] == "api-blue", "a host as any"
