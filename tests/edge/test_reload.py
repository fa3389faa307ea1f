"""A reload of the edge: the new worker serves at once, the old one ends what it has begun."""

from __future__ import annotations

import time

from delight.host import edge as host_edge

from tests.edge.conftest import PATIENCE_S, Edge
from tests.fleet.support.load import Load


def test_a_reload_loses_nothing(edge: Edge) -> None:
    with Load(f"http://127.0.0.1:{edge.port}", rate=100) as load:
        for count in range(1, 4):
            edge.write("backends.cfg", (edge.root / "backends.cfg").read_text() + "\n")
            assert "Success=1" in edge.ask("reload", sock="master")
            load.until(lambda seen, wanted=count: seen.count() > 100 * wanted, 60)  # type: ignore[misc]
    assert load.report.failures == []
    assert load.report.ended_before(float("inf")) == [], "streams live on in the old process"


def test_a_worker_from_before_a_reload_is_waited_for(edge: Edge) -> None:
    """It decides by the map of its time: no slot that it may name is stopped before it ends."""
    engines = host_edge.Edge(edge.root.parent)
    engines.folder = edge.root
    assert engines.old_workers() == 0
    with Load(f"http://127.0.0.1:{edge.port}", rate=10, streams=1) as load:
        load.until(lambda seen: bool(seen.streams and seen.streams[0].lines), 60)
        assert "Success=1" in edge.ask("reload", sock="master")
        assert engines.old_workers() == 1
    engines.wait_for_old_workers(time.monotonic() + PATIENCE_S)
    assert engines.old_workers() == 0
