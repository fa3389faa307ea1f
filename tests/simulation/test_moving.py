"""What must run once in a fleet never runs twice, though it moves to another host, and whatever breaks meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation import invariants
from tests.simulation.breaking import failures, told, watch
from tests.simulation.fleet import SERVICES, WORK, Fleet

CLOCK = {**WORK, "singleton": True}
pytestmark = pytest.mark.promise("H7")


def on(fleet: Fleet) -> list[str]:
    """The hosts on which the clock runs."""
    return [n for n, one in fleet.hosts.items() if any("clock" in c for c in one.engine.running())]


@pytest.fixture
def grown(make: Callable[..., Fleet]) -> Fleet:
    """A clock on app2, and a host that has joined: the clock is to move there."""
    fleet = make("app1", "app2", "app3")
    joins = fleet.hosts.pop("app1")
    fleet.services = {**SERVICES, "clock": CLOCK}
    assert fleet.deploy("v1").outcome == "released"
    assert on(fleet) == ["app2"]
    fleet.hosts = {"app1": joins, **fleet.hosts}
    return fleet


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_it_ends_before_it_starts_on_another_host(grown: Fleet, version: str) -> None:
    watch(grown)
    ended = grown.deploy(version)
    assert (ended.outcome, on(grown), grown.seen) == ("released", ["app1"], [])
    assert ended.acts["workers"]["app2"]["message"].startswith("ended clock")
    invariants.at_rest(grown.hosts, ended.result["to"])


def test_it_comes_back_where_it_cannot_start(grown: Fleet) -> None:
    grown.hosts["app1"].engine.program = lambda one: (
        "exits" if one["mine"]["service"] == "clock" else "healthy"
    )
    watch(grown)
    ended = grown.deploy("v2")
    assert (ended.outcome, on(grown), grown.seen) == ("rolled back", ["app2"], [])


def test_a_run_without_the_host_that_has_it_is_refused(grown: Fleet) -> None:
    ended = grown.run("deploy", limit={"app1", "app3"}, version="v2", allow_mixed=True)
    assert ended.outcome == "refused"
    assert "clock runs on app2 and must run once" in ended.text
    assert on(grown) == ["app2"]


def test_one_that_may_overlap_starts_first(grown: Fleet) -> None:
    grown.services = {**SERVICES, "clock": {**CLOCK, "overlap": True}}
    ended = grown.deploy("v2")
    assert (ended.outcome, on(grown)) == ("released", ["app1"])
    assert "ended" not in ended.acts["workers"].get("app2", {}).get("message", "")


def test_broken_anywhere_it_runs_at_most_once(grown: Fleet, tmp_path: Path, every: bool) -> None:
    again = {"the same": lambda f: f.deploy("v2"), "recover": lambda f: f.run("recover")}
    # Both hosts serve the release, and by their names the clock should be on the other one.
    grown.hosts = {"app1": grown.hosts["app3"], "app2": grown.hosts["app2"]}
    found = list(failures(grown, lambda f: f.deploy("v2"), again, tmp_path / "broken", every))
    assert not found, told(found)


def test_a_host_that_left_the_inventory_is_named_once(grown: Fleet) -> None:
    assert grown.deploy("v2").outcome == "released"
    left = grown.hosts.pop("app3")
    ended = grown.deploy("v2")
    said = "app3 has left the inventory, and what runs there goes on running"
    assert (ended.outcome, said in ended.text) == ("unchanged", True)
    assert "`retire.yml --limit app3`" in ended.text
    assert said in grown.deploy("v3").text
    assert said not in grown.deploy("v4").text
    grown.hosts["app3"] = left
    assert grown.deploy("v4").outcome == "released"


def test_one_that_was_retired_is_not_missed(grown: Fleet) -> None:
    assert grown.deploy("v2").outcome == "released"
    assert grown.run("retire", limit={"app3"}).outcome == "retired"
    grown.hosts.pop("app3")
    assert "has left the inventory" not in grown.deploy("v3").text
