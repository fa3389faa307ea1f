"""Provisioning hosts that serve, all of it: nothing is lost, nothing is touched without need."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fleet.support.hosts import Fleet
from tests.fleet.support.load import Load
from tests.fleet.support.setup import unprovisioned

Services = dict[str, dict[str, Any]]
POOL = "/srv/delight/edge/pool.map"


@pytest.fixture
def provisioned(pair: Fleet) -> Iterator[Fleet]:
    """The fleet, with its declared settings again afterwards."""
    with unprovisioned():
        yield pair
        assert pair.play("provision").status == 0


def changes(output: str) -> set[int]:
    """The numbers of changed tasks per host, as the recap has them."""
    return {int(number) for number in re.findall(r"changed=(\d+)", output)}


@pytest.mark.promise("H1")
def test_every_daemon_is_restarted_under_load(provisioned: Fleet, load: Load) -> None:
    containers = provisioned.ids()
    run = provisioned.play("provision", docker_log_max_files=4)
    assert run.status == 0, run.output
    assert provisioned.ids() == containers


@pytest.mark.promise("H1")
def test_a_second_run_changes_nothing(pair: Fleet) -> None:
    containers = pair.ids()
    run = pair.play("provision")
    assert run.status == 0, run.output
    assert changes(run.output) == {0}, run.output
    assert pair.ids() == containers


@pytest.mark.promise("T11", "H1")
def test_edges_are_replaced_one_after_the_other_and_nobody_notices(pair: Fleet) -> None:
    before = {host: started(pair, host) for host in pair.hosts}
    try:
        # A stream lives as long as its edge; everything else moves to the other host in time.
        with Load(pair.url, rate=200, streams=0) as load:
            run = pair.play("edge", edge_memory="300m")
        assert (run.status, load.report.failures[:20], load.report.doubts()) == (
            0,
            [],
            "",
        ), run.output
        after = {host: started(pair, host) for host in pair.hosts}
        assert all(after[host] != before[host] for host in pair.hosts)
        assert [pair.exec(host, "cat", POOL) for host in pair.hosts] == ["pool in\nready yes\n"] * 2
        again = pair.play("edge", edge_memory="300m")
        assert (again.status, changes(again.output)) == (0, {0}), again.output
    finally:
        assert pair.play("edge").status == 0


@pytest.mark.promise("C3")
def test_an_edge_is_not_replaced_while_a_release_is_made(pair: Fleet, services: Services) -> None:
    before = {host: started(pair, host) for host in pair.hosts}
    services["api"]["env"] |= {"START_DELAY_S": "30"}
    playing = pair.start("deploy", version=pair.next_versions()[0], services=services)
    pair.in_phase("app1", "staging")
    run = pair.play("edge", edge_memory="300m")
    assert (run.status, "is running (act stage" in run.output) == (2, True), run.output
    playing.signal(signal.SIGTERM)
    playing.end()
    assert {host: started(pair, host) for host in pair.hosts} == before
    assert pair.play("edge").status == 0
    assert {host: started(pair, host) for host in pair.hosts} == before


def started(fleet: Fleet, host: str) -> str:
    """Which edge runs on a host, and since when."""
    return fleet.exec(
        host, "docker", "inspect", "-f", "{{.Id}} {{.State.StartedAt}}", "delight-edge"
    )
