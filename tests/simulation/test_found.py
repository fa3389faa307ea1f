"""Histories that once ended badly, each cut down to what it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation import invariants
from tests.simulation.breaking import Act, Place, broken, places
from tests.simulation.fleet import QUICK, SERVICES, WEB, WORK, Ended, Fleet

API = SERVICES["api"]


@pytest.fixture
def served(make: Callable[..., Fleet]) -> Fleet:
    """Two hosts that serve v1."""
    fleet = make("app1", "app2")
    assert fleet.deploy("v1").outcome == "released"
    return fleet


def cut(fleet: Fleet, act: Act, host: str, label: str, how: str, folder: Path) -> Fleet:
    """The fleet after a run that broke where `label` stands on a host for the last time."""
    found = [p for p in places(fleet, act, folder / "dry") if (p.host, p.label) == (host, label)]
    return broken(fleet, act, Place(host, found[-1].at, label), how, folder / "cut")[0]


def deploy_v2(fleet: Fleet) -> Ended:
    return fleet.deploy("v2")


@pytest.mark.promise("R7")
def test_a_switch_cut_between_the_file_and_the_running_map_is_finished(
    served: Fleet, tmp_path: Path
) -> None:
    fleet = cut(served, deploy_v2, "app2", "after write: live.map", "abandoned", tmp_path / "x")
    assert set(fleet.hosts["app2"].runtime.values()) == {"api-blue"}
    ended = fleet.deploy("v2")
    assert ended.outcome == "unchanged", ended.result
    invariants.at_rest(fleet.hosts, ended.result["to"])


@pytest.mark.promise("R2")
def test_putting_back_starts_the_old_slot_before_traffic_goes_there(
    served: Fleet, tmp_path: Path
) -> None:
    label = "after engine: POST /containers/delight-api-blue-2/update"
    fleet = cut(served, deploy_v2, "app1", label, "dark", tmp_path / "x")
    host = fleet.hosts["app1"]
    assert not {name for name in host.engine.running() if "blue" in name}, "a reboot stopped it"
    ended = fleet.run("recover")
    assert ended.outcome == "recovered" and not fleet.seen, fleet.seen
    assert set(host.routes.values()) == {"api-blue"}
    invariants.serving(host)


@pytest.mark.promise("R2")
def test_traffic_stays_where_it_is_if_the_old_slot_cannot_take_it(
    served: Fleet, tmp_path: Path
) -> None:
    label = "after engine: POST /containers/delight-api-blue-2/update"
    fleet = cut(served, deploy_v2, "app1", label, "dark", tmp_path / "x")
    host = fleet.hosts["app1"]
    host.engine.program = lambda one: "exits" if one["mine"]["slot"] == "blue" else "healthy"
    ended = fleet.run("recover")
    assert ended.outcome == "needs attention"
    assert "the traffic stays: delight-api-blue-1" in str(ended.result["reasons"])
    assert set(host.routes.values()) == {"api-green"} and not fleet.seen
    invariants.serving(host)


@pytest.mark.promise("R7")
def test_a_reload_that_was_lost_is_repeated(served: Fleet, tmp_path: Path) -> None:
    served.services = {"api": API, "web": WEB}
    fleet = cut(served, deploy_v2, "app1", "before edge: reload", "abandoned", tmp_path / "x")
    ended = fleet.deploy("v2")
    assert ended.outcome == "released", ended.result
    invariants.at_rest(fleet.hosts, ended.result["to"])


@pytest.mark.promise("R7")
def test_a_worker_that_passed_no_gate_is_not_finished(served: Fleet, tmp_path: Path) -> None:
    served.services = {"api": API, "work": WORK}
    assert served.deploy("v1").outcome == "released"
    fleet = cut(
        served, deploy_v2, "app2", "after compose: work-green-1", "abandoned", tmp_path / "x"
    )
    ended = fleet.deploy("v2")
    assert ended.outcome == "released", ended.result
    assert fleet.hosts["app2"].engine.policies()["delight-work-green-1"] == "unless-stopped"
    invariants.at_rest(fleet.hosts, ended.result["to"])


@pytest.mark.promise("T3")
def test_changed_settings_of_a_slot_that_stays_reach_the_edge(served: Fleet) -> None:
    served.services = {"api": {**API, "timeout": "17s", "health": {**QUICK, "path": "/well"}}}
    ended = served.deploy("v1")
    assert ended.outcome == "released", ended.result
    for host in served.hosts.values():
        assert set(host.routes.values()) == {"api-blue"}, "no slot was needed for that"
        live = host.edge.backends.partition("backend api-blue ")[2].partition("backend ")[0]
        assert "timeout server 17000ms" in live and "uri /well" in live
    invariants.at_rest(served.hosts, ended.result["to"])
    assert served.deploy("v1").outcome == "unchanged"


@pytest.mark.promise("R2")
def test_a_full_disk_does_not_keep_traffic_from_going_back(served: Fleet) -> None:
    host = served.hosts["app1"]

    def fills(act: str, name: str) -> None:
        if act == "undo" and name == "app1":
            host.boundaries.full = True

    served.services = {"api": API, "work": WORK}
    served.hosts["app2"].engine.program = lambda one: (
        "exits" if one["mine"]["service"] == "work" else "healthy"
    )
    ended = served.run("deploy", before=fills, version="v2")
    assert ended.outcome == "needs attention", ended.result
    assert "No space left" in str(ended.result["reasons"])
    assert set(host.routes.values()) == {"api-blue"}, "the traffic went back all the same"
    host.boundaries.full = False
    ended = served.run("recover")
    assert ended.outcome == "recovered", ended.result
    assert invariants.releases(served.hosts) == {ended_before(served)}


def ended_before(fleet: Fleet) -> str:
    """The release that all hosts have served from the start."""
    [first] = {host.state["history"][0]["release"] for host in fleet.hosts.values()}
    return str(first)


@pytest.mark.promise("R2")
@pytest.mark.parametrize(
    "removed", [{"delight-api-blue-1"}, {"delight-api-blue-1", "delight-api-blue-2"}]
)
def test_traffic_goes_back_to_a_slot_that_somebody_has_removed(
    served: Fleet, tmp_path: Path, removed: set[str]
) -> None:
    fleet = cut(served, deploy_v2, "app2", "after write: live.map", "abandoned", tmp_path / "x")
    host = fleet.hosts["app1"]
    assert set(host.routes.values()) == {"api-green"}
    for name in removed:
        del host.engine.containers[name]
    ended = fleet.run("recover")
    assert ended.outcome == "recovered" and not fleet.seen, (ended.result, fleet.seen)
    assert set(host.routes.values()) == {"api-blue"}
    invariants.at_rest(fleet.hosts, ended_before(fleet), finished=False)


@pytest.mark.promise("R2")
def test_a_worker_that_somebody_has_removed_runs_again_where_it_is_put_back(
    served: Fleet, tmp_path: Path
) -> None:
    served.services = {"api": API, "work": WORK}
    assert served.deploy("v1").outcome == "released"
    before = next(iter(invariants.releases(served.hosts)))
    fleet = cut(
        served, deploy_v2, "app1", "after compose: work-green-1", "abandoned", tmp_path / "x"
    )
    del fleet.hosts["app1"].engine.containers["delight-work-blue-1"]
    ended = fleet.run("recover")
    assert ended.outcome == "recovered", ended.result
    assert "delight-work-blue-1" in fleet.hosts["app1"].engine.running()
    invariants.at_rest(fleet.hosts, before, finished=False)
