"""What goes with old releases, and what does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation import invariants
from tests.simulation.fleet import Fleet

pytestmark = pytest.mark.promise("C2")


def test_the_only_good_release_stays_however_many_came_by_without_a_gate(
    make: Callable[..., Fleet],
) -> None:
    fleet = make("app1", "app2")
    good = fleet.deploy("v1").result["to"]
    for version in ("v2", "v3", "v4"):
        ended = fleet.deploy(version, skip_gate=True, release_keep=2)
        assert ended.outcome == "released", ended.result
    back = fleet.run("rollback", release_keep=2)
    assert (back.outcome, back.result["to"]) == ("released", good), back.result
    invariants.at_rest(fleet.hosts, good)


def test_an_image_that_was_in_use_goes_another_time(make: Callable[..., Fleet]) -> None:
    fleet = make("app1")
    host = fleet.hosts["app1"]
    assert fleet.deploy("v1").outcome == "released"
    [first] = host.engine.images
    host.engine.used = {first}
    for version in ("v2", "v3", "v4"):
        assert fleet.deploy(version, release_keep=2).outcome == "released"
    assert first in host.engine.images and host.state["images"] == [first]
    host.engine.used = set()
    assert fleet.deploy("v5", release_keep=2).outcome == "released"
    assert first not in host.engine.images and host.state["images"] == []
