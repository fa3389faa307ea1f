"""A balancer in front of an edge, each the image that hosts run: what the application learns of its users."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from plugins.modules import listeners
from tests.edge.application import application
from tests.edge.process import Balancer, Edge, proxy_folder
from tests.edge.test_edge import SPOOFED
from tests.render.edge_texts import backends, slot
from tests.support.waiting import PATIENCE_S, wait_until

# The address that the edge trusts, and a user's.
TRUSTED, USER = "127.0.0.9", "127.0.0.2"
NAMED = {"Host": "example.com"}


@pytest.fixture
def behind(bare: Edge) -> Iterator[Balancer]:
    """A balancer with no process yet; the edge behind it has no process either."""
    bare.configure(edge_trusted_proxies=[TRUSTED])
    with proxy_folder(Balancer) as balancer:
        yield balancer


def start(balancer: Balancer, edge: Edge, **changes: Any) -> None:
    """Start both."""
    edge.start()
    host = {"name": "app1", "address": "127.0.0.1", "port": edge.port}
    hosts = [{**host, "ready_port": edge.ready_port}]
    balancer.configure(balancer_hosts=hosts, balancer_source=TRUSTED, **changes)
    balancer.start()


@pytest.fixture
def encrypted(behind: Balancer, bare: Edge) -> Balancer:
    """A running balancer that has a certificate, as the edge behind it has."""
    bare.certify()
    behind.certify()
    bare.configure(**bare.changes, edge_tls=True)
    start(behind, bare, _balancer_tls=True)
    return behind


def test_the_image_accepts_both_forms_of_the_file(behind: Balancer) -> None:
    hosts = [{"name": "app1", "address": "127.0.0.1", "port": 80, "ready_port": 8404}]
    behind.certify()
    for changes in ({}, {"_balancer_tls": True, "balancer_source": TRUSTED}):
        behind.configure(balancer_hosts=hosts, **changes)
        assert behind.complaint() == ""


def test_the_application_learns_who_asks_and_how(encrypted: Balancer, bare: Edge) -> None:
    answer = encrypted.get("/", {**NAMED, **SPOOFED}, port=encrypted.tls_port, source=USER)
    got = answer.said["headers"]
    assert got["x-forwarded-for"] == got["x-real-ip"] == USER
    assert got["x-forwarded-proto"] == "https"
    assert got["x-forwarded-host"] == "example.com"
    assert got["x-forwarded-port"] == str(encrypted.tls_port)
    assert got["forwarded"] == f'for={USER};host="example.com";proto=https'
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    wait_until(lambda: f'"client": "{USER}"' in bare.logs(), "the edge's log says who asked")


def test_whoever_comes_by_http_is_sent_to_a_port_that_answers(encrypted: Balancer) -> None:
    sent = encrypted.get("/a?b=c", {"Host": f"127.0.0.1:{encrypted.port}"})
    assert sent.status == 308
    there = urlsplit(sent.headers["Location"])
    assert (there.scheme, there.port, there.query) == ("https", encrypted.tls_port, "b=c")
    secure = encrypted.get(f"{there.path}?{there.query}", port=encrypted.tls_port)
    assert secure.said["headers"]["x-forwarded-proto"] == "https"


def test_without_a_certificate_nobody_is_sent_anywhere(behind: Balancer, bare: Edge) -> None:
    start(behind, bare)
    answer = behind.get("/", {**NAMED, **SPOOFED}, source=USER)
    got = answer.said["headers"]
    assert (got["x-forwarded-for"], got["x-forwarded-proto"]) == (USER, "http")
    assert got["x-forwarded-port"] == str(behind.port)
    assert "Strict-Transport-Security" not in answer.headers
    assert behind.get("/", {"Host": "a!b"}).status == 400


def test_a_quiet_event_stream_lasts_longer_than_an_answer_may(behind: Balancer, bare: Edge) -> None:
    with application("api-blue", TICK_S="1.5") as app:
        bare.write("backends.cfg", backends(slot("api-blue", "127.0.0.1", port=app.port)))
        start(behind, bare, balancer_timeout=1)
        client = http.client.HTTPConnection("127.0.0.1", behind.port, timeout=PATIENCE_S)
        client.request("GET", "/stream")
        answer = client.getresponse()
        told: list[bytes] = []
        while len(told) < 2 and (line := answer.readline()):
            told += [line] if line.strip() else []
        client.close()
    assert len(told) == 2


def test_whose_port_it_is_is_said_by_the_process_and_not_by_its_name(own_edge: Edge) -> None:
    """The preflight of both roles, asked of an HAProxy in a container."""
    address = f"127.0.0.1:{own_edge.port}"
    [one] = [
        found
        for found in listeners.listening(listeners.output(listeners.SS))
        if listeners.in_the_way(f"*:{own_edge.port}", found.address)
    ]
    assert one.told({}).startswith(f"{address}: haproxy (pid ")
    own = listeners.containers(own_edge.root.name)
    assert own and all(listeners.is_within(pid, own) for pid in one.processes)
    assert not listeners.containers("another-project")
    assert not any(listeners.is_within(pid, set()) for pid in one.processes)
