"""Runs in which nothing breaks."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation import invariants
from tests.simulation.fleet import Fleet


def test_forward_and_back(make: Callable[..., Fleet]) -> None:
    fleet = make("app1", "app2")
    first = fleet.deploy("v1")
    assert first.outcome == "released", first.result
    invariants.at_rest(fleet.hosts, first.result["to"])
    second = fleet.deploy("v2")
    assert second.outcome == "released", second.result
    invariants.at_rest(fleet.hosts, second.result["to"])
    assert fleet.deploy("v2").outcome == "unchanged"
    back = fleet.run("rollback")
    assert (back.outcome, back.result["to"]) == ("released", first.result["to"])
    invariants.at_rest(fleet.hosts, first.result["to"])
