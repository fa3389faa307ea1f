"""A reload: the new worker serves at once, the old one ends what it has begun."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

import pytest
from delight.host import edge as host_edge

from plugins.modules import haproxy_config
from tests.edge.process import Balancer, Edge, Proxy, proxy_folder
from tests.fleet.support.load import Load
from tests.support.waiting import PATIENCE_S, wait_until


def reload(proxy: Proxy) -> None:
    """Let a new worker take over."""
    assert "Success=1" in proxy.ask("reload", sock="master")


@pytest.fixture
def proxy(kind: type[Proxy]) -> Iterator[Proxy]:
    """An edge or a balancer without anything behind it, and no process yet."""
    with proxy_folder(kind) as found:
        for name in ("backends.cfg", "live.map", "pool.map"):
            found.write(name, "")
        yield found


@pytest.mark.promise("T9")
def test_a_reload_loses_nothing(own_edge: Edge) -> None:
    url = f"http://127.0.0.1:{own_edge.port}"
    with Load(url, rate=200, slow_rate=8, slow_s=0.5, streams=2) as load:
        for count in range(1, 4):
            own_edge.write("backends.cfg", (own_edge.root / "backends.cfg").read_text() + "\n")
            reload(own_edge)
            load.until(lambda seen, wanted=count: seen.count() > 100 * wanted, PATIENCE_S)  # type: ignore[misc]
    assert load.report.failures == []
    assert load.report.ended_before(float("inf")) == [], "streams live on in the old process"


def test_a_worker_from_before_a_reload_is_waited_for(own_edge: Edge) -> None:
    """It decides by the map of its time: no slot that it may name is stopped before it ends."""
    engines = host_edge.Edge(own_edge.root.parent)
    engines.folder = own_edge.root
    assert engines.old_workers() == 0
    url = f"http://127.0.0.1:{own_edge.port}"
    with Load(url, rate=10, slow_rate=0, streams=1) as load:
        load.until(lambda seen: bool(seen.streams and seen.streams[0].lines), PATIENCE_S)
        reload(own_edge)
        assert engines.old_workers() == 1
    engines.wait_for_old_workers(time.monotonic() + PATIENCE_S)
    assert engines.old_workers() == 0


@pytest.mark.parametrize(
    ("kind", "tls"), [(Edge, {"edge_tls": True}), (Balancer, {"_balancer_tls": True})]
)
def test_a_new_certificate_that_was_never_loaded_is_seen(
    proxy: Proxy, tls: dict[str, bool]
) -> None:
    """A run has written it and died before the reload: the next one finds a process that has the old one."""

    def certified() -> bytes:
        return ssl.PEM_cert_to_DER_cert(proxy.certify())

    def configure() -> str:
        proxy.configure(**tls)
        file = proxy.files[0]
        text = file.read_text()
        name = haproxy_config.name_of(text, [proxy.certificate])
        file.write_text(haproxy_config.NAMED.format(name) + text)
        return name

    def served() -> bytes:
        pem = ssl.get_server_certificate(("127.0.0.1", proxy.tls_port), timeout=PATIENCE_S)
        return ssl.PEM_cert_to_DER_cert(pem)

    admin = proxy.root / "run/admin.sock"
    old = certified()
    proxy.configure(**tls)
    proxy.start()
    new = certified()
    name = configure()
    assert not haproxy_config.loaded(admin, name) and served() == old
    reload(proxy)
    wait_until(lambda: haproxy_config.loaded(admin, name) and served() == new, "it is served")
    certified()
    assert not haproxy_config.loaded(admin, configure())
