"""Files of ours that are lost or spoilt: what serves goes on, and nothing more is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from tests.simulation import invariants
from tests.simulation.fleet import Fleet

pytestmark = pytest.mark.promise("C12")


@pytest.fixture
def served(make: Callable[..., Fleet]) -> Fleet:
    """Two hosts that serve v2 and keep v1."""
    fleet = make("app1", "app2")
    for version in ("v1", "v2"):
        assert fleet.deploy(version).outcome == "released"
    return fleet


def folder(fleet: Fleet, host: str, version: str) -> str:
    [found] = [name for name in fleet.hosts[host].kept if name.startswith(version)]
    return found


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_the_folder_of_the_live_release_is_lost(served: Fleet, version: str) -> None:
    host = served.hosts["app2"]
    shutil.rmtree(host.root / "releases" / folder(served, "app2", "v2"))
    ended = served.deploy(version)
    assert ended.outcome == "released", ended.result
    invariants.at_rest(served.hosts, ended.result["to"])
    assert folder(served, "app2", version)


def test_a_kept_release_that_cannot_be_read_is_brought_from_another_host(served: Fleet) -> None:
    spoilt = folder(served, "app1", "v1")
    (served.hosts["app1"].root / "releases" / spoilt / "release.json").write_text("{")
    back = served.run("rollback")
    assert (back.outcome, back.result["to"]) == ("released", spoilt), back.result
    invariants.at_rest(served.hosts, spoilt)


def test_a_release_that_no_host_can_read_is_no_target_and_no_obstacle(served: Fleet) -> None:
    for name in served.hosts:
        file = served.hosts[name].root / "releases" / folder(served, name, "v1") / "release.json"
        file.write_text("{")
    assert served.run("rollback").outcome == "refused"
    ended = served.deploy("v3")
    assert ended.outcome == "released", ended.result
    invariants.at_rest(served.hosts, ended.result["to"])
