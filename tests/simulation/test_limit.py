"""`--limit`: what a run is for, and what it decides by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.simulation import invariants
from tests.simulation.fleet import SERVICES, WORK, Fleet, Gone

pytestmark = pytest.mark.promise("C8")
CRON = {**WORK, "singleton": True}


@pytest.fixture
def pair(make: Callable[..., Fleet]) -> Fleet:
    fleet = make("app1", "app2")
    assert fleet.deploy("v1").outcome == "released"
    return fleet


def test_a_part_of_the_fleet_is_refused_before_anything_is_done(pair: Fleet) -> None:
    before = next(iter(invariants.releases(pair.hosts)))
    refused = pair.run("deploy", limit={"app1"}, version="v2")
    assert (refused.outcome, set(refused.acts)) == ("refused", set())
    assert "--limit would leave app2 on another release" in refused.text
    invariants.at_rest(pair.hosts, before)


def test_a_host_that_lags_behind_is_brought_up_alone(pair: Fleet) -> None:
    assert pair.run("deploy", limit={"app1"}, version="v2", allow_mixed=True).status == 0
    up = pair.run("deploy", limit={"app2"}, version="v2")
    assert up.outcome == "released", up.text
    invariants.at_rest(pair.hosts, up.result["to"])


@pytest.mark.promise("R7")
@pytest.mark.parametrize("kind", ["recover", "deploy", "rollback"])
@pytest.mark.parametrize("moment", ["stage", "switch", "settle"])
def test_what_was_left_open_is_ended_on_every_host(pair: Fleet, kind: str, moment: str) -> None:
    def dies(act: str, host: str) -> None:
        if (act, host) == (moment, "app2"):
            raise Gone

    with pytest.raises(Gone):
        pair.run("deploy", before=dies, version="v2")
    said: dict[str, Any] = {"version": "v2", "allow_mixed": True} if kind != "recover" else {}
    pair.run(kind, limit={"app2"}, **said)
    assert all(host.state["run"] is None for host in pair.hosts.values())
    assert pair.deploy("v3").outcome == "released"


def test_one_host_of_two_is_lost_and_the_other_goes_on_by_name(pair: Fleet) -> None:
    def lost(act: str, host: str) -> dict[str, str] | None:
        reason = "cannot be reached: no route to host"
        return {"outcome": "unreachable", "reason": reason} if host == "app2" else None

    refused = pair.run("deploy", before=lost, version="v2")
    assert (refused.outcome, "app2: cannot be reached" in refused.text) == ("refused", True)
    assert "--limit '!app2' -e allow_mixed=true" in refused.text
    alone = pair.run("deploy", before=lost, limit={"app1"}, version="v2", allow_mixed=True)
    assert alone.outcome == "released", alone.text
    assert pair.deploy("v2").outcome == "released"
    invariants.at_rest(pair.hosts, alone.result["to"])


def test_a_singleton_has_no_second_one(pair: Fleet) -> None:
    pair.services = {**SERVICES, "cron": CRON}
    assert pair.deploy("v2").outcome == "released"
    assert pair.run("deploy", limit={"app2"}, version="v3", allow_mixed=True).status == 0
    running = {n: one.engine.running() for n, one in pair.hosts.items()}
    assert [n for n, names in running.items() if any("cron" in name for name in names)] == ["app1"]
