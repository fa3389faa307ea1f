"""What the edge promises, asked of the image that hosts run."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import threading
import warnings
from pathlib import Path

import pytest

from tests.edge.conftest import Edge, until
from tests.fleet.support.load import Load
from tests.render.edge_texts import EVERYTHING, backends, slot

ROUTES = {
    "*/": "api-blue",
    "*/api/": "api-green",
    "app.example.com/": "api-green",
    "app.example.com/api/v1/": "api-blue",
    "only.example.com/inner/": "api-green",
}


def certify(edge: Edge) -> None:
    """Put a self-signed certificate where the edge looks for it."""
    pair = [edge.root / "key", edge.root / "crt"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", pair[0], "-out", pair[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    edge.write("certificate.pem", pair[1].read_text() + pair[0].read_text())


def test_the_image_accepts_every_form_of_the_files(bare: Edge) -> None:
    assert bare.accepts() == ""
    bare.write("backends.cfg", backends())
    assert bare.accepts() == "", "before the first deploy there is no slot"
    bare.write("backends.cfg", "")
    assert bare.accepts() == "", "nor a file of the engine's"
    certify(bare)
    bare.configure(**EVERYTHING)
    assert bare.accepts() == ""


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
    ],
)
def test_routes_match_at_segment_ends_longest_first(
    routed: Edge, host: str, path: str, served_by: str
) -> None:
    assert routed.get(path, {"Host": host}).said["release"] == served_by


@pytest.fixture
def routed(edge: Edge) -> Edge:
    edge.commit("live.map", ROUTES)
    return edge


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
    bare.write("live.map", "*/ api-blue\n")
    bare.write("pool.map", "ready yes\n")
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
    certify(bare)
    bare.configure(edge_tls=True)
    bare.write("live.map", "*/ api-blue\n")
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
    with socket.create_connection(("127.0.0.1", bare.tls_port)) as raw, pytest.raises(OSError):
        old.wrap_socket(raw)


def test_a_kept_connection_moves_with_the_map(edge: Edge) -> None:
    client = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=20)
    seen = []
    for name in ("api-blue", "api-green"):
        edge.commit("live.map", {"*/": name})
        client.request("GET", "/")
        seen.append(json.loads(client.getresponse().read())["release"])
    assert seen == ["api-blue", "api-green"]
    client.close()


def test_idle_connections_to_replicas_go_by_themselves(edge: Edge) -> None:
    """An application closes them too, uvicorn after 5 s; a request sent just then would be lost."""
    clients = [http.client.HTTPConnection("127.0.0.1", edge.port, timeout=20) for _ in range(8)]
    for client in clients * 2:
        client.request("GET", "/")
        client.getresponse().read()
    until(lambda: idle(edge) == 0, "no idle connection is left")
    for client in clients:
        client.close()


def idle(edge: Edge) -> int:
    """Idle connections to blue."""
    lines = edge.ask("show servers conn api-blue").splitlines()
    names = lines[0].lstrip("# ").split()
    server = next(line.split() for line in lines if line.startswith("api-blue/1 "))
    return int(server[names.index("idle_cur")])


def test_a_frozen_application_costs_waiting(bare: Edge) -> None:
    checks = {"interval": "200ms", "interval_changing": "50ms", "interval_down": "50ms"}
    bare.configure(edge_checks={**checks, "timeout": "200ms", "fall": 2})
    bare.write("live.map", "*/ api-blue\n")
    bare.start()
    with Load(f"http://127.0.0.1:{bare.port}", rate=50, slow_rate=0, streams=0) as load:
        bare.get("/freeze?s=4")
        until(lambda: "api-blue,1,DOWN" in statuses(bare), "the checks fail")
        until(lambda: "api-blue,1,UP" in statuses(bare), "the application is back")
    assert load.report.failures == []
    assert max(one.answered - one.sent for one in load.report.served) > 1


def statuses(edge: Edge) -> str:
    """`backend,server,status` of every server."""
    rows = [line.split(",") for line in edge.ask("show stat -1 4 -1").splitlines() if "," in line]
    return "\n".join(f"{row[0]},{row[1]},{row[17].split(' ')[0]}" for row in rows)


def test_a_post_is_never_repeated(edge: Edge) -> None:
    """An application that dies over a request gets it once."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def die_over_posts() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    got = client.recv(65536)
                    asked.append(got.split(b" ")[0])

        thread = threading.Thread(target=die_over_posts, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        edge.write("backends.cfg", backends(slot("api-blue", "127.0.0.1", "127.0.0.1", port=port)))
        assert "Success=1" in edge.ask("reload", sock="master")
        client = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=20)
        client.request("POST", "/", body=b"once")
        assert client.getresponse().status == 502
        client.close()
        listener.shutdown(socket.SHUT_RDWR)
    assert asked.count(b"POST") == 1


def test_every_line_of_the_log_says_who_answered(edge: Edge) -> None:
    edge.get("/a?token=planted-word", {"Host": "example.com"})
    until(lambda: '"path": "/a"' in edge.logs(), "the request is logged")
    line = next(line for line in edge.logs().splitlines() if '"path": "/a"' in line)
    said = json.loads(line)
    assert (said["backend"], said["server"], said["state"]) == ("api-blue", "1", "----")
    assert (said["host"], said["status"], said["client"]) == ("example.com", 200, "127.0.0.1")
    assert "planted-word" not in edge.logs()


def test_the_sockets_are_for_root_only(edge: Edge) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in Path(edge.root / "run").iterdir()}
    assert modes == {"admin.sock": 0o600, "master.sock": 0o600}
