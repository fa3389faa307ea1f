"""A host leaves the fleet: out of the pool, then nothing of a release stays; the others go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation import invariants
from tests.simulation.breaking import BREAKS, broken, copied, first_lines, places, watch
from tests.simulation.fleet import SERVICES, WORK, Ended, Fleet
from tests.simulation.host import Host

pytestmark = pytest.mark.promise("H8")
LONELY = {**SERVICES, "work": {**WORK, "singleton": True}}


@pytest.fixture
def grown(served: Fleet) -> Fleet:
    """Two hosts that serve v2 and keep v1 warm; the first one runs the only worker."""
    served.services = LONELY
    assert served.deploy("v2").outcome == "released"
    return served


def retire(fleet: Fleet, host: str = "app2") -> Ended:
    return fleet.run("retire", limit={host})


def empty(host: Host) -> None:
    """Nothing of a release is left on a host, and nothing asks for requests."""
    assert (host.state["live"], host.state["run"], host.state["slots"]) == (None, None, {})
    assert host.state["history"] == host.state["cool"] == host.state["images"] == []
    assert (host.routes, host.edge.maps["pool.map"]) == ({}, {"pool": "in", "ready": "no"})
    assert (set(host.engine.containers), host.engine.images, host.kept) == (set(), set(), set())


@pytest.fixture(autouse=True)
def in_the_pool(grown: Fleet) -> None:
    """As the edge's role has it."""
    for host in grown.hosts.values():
        (host.root / "edge/pool.map").write_text("pool in\nready yes\n")
        host.edge.load()


def test_a_host_leaves_with_all_that_it_has(grown: Fleet) -> None:
    before = grown.hosts["app1"].state
    ended = retire(grown)
    assert (ended.outcome, ended.status) == ("retired", 0), ended.result
    assert "RETIRED: app2 serves nothing and keeps nothing" in ended.text
    empty(grown.hosts["app2"])
    assert grown.hosts["app1"].state == {**before, "fleet": ["app1"]}
    assert retire(grown).outcome == "unchanged"


def test_it_waits_out_of_the_pool_for_its_last_request(grown: Fleet) -> None:
    host, seen = grown.hosts["app2"], []
    exchange = host.edge.exchange

    def asked(sock: str, command: str) -> str:
        if command.startswith("show stat"):
            seen.append((host.edge.maps["pool.map"]["pool"], bool(host.runtime)))
        return exchange(sock, command)

    host.edge.exchange = asked  # type: ignore[method-assign]
    retire(grown)
    assert seen[0] == ("out-for-change", True)


def test_a_host_that_somebody_has_out_of_the_pool_leaves_at_once(grown: Fleet) -> None:
    host = grown.hosts["app2"]
    (host.root / "edge/pool.map").write_text("pool out\nready yes\n")
    host.edge.load()
    assert retire(grown).outcome == "retired"
    assert host.edge.maps["pool.map"] == {"pool": "out", "ready": "no"}


@pytest.mark.parametrize("limit", [None, {"app1", "app2"}])
def test_one_has_to_stay(grown: Fleet, limit: set[str] | None) -> None:
    ended = grown.run("retire", limit=limit)
    assert ended.outcome == "refused"
    assert "this would leave no host that serves: --limit says which hosts leave" in ended.text
    assert all(host.runtime for host in grown.hosts.values())


def test_what_runs_on_one_host_moves_with_the_next_deploy(grown: Fleet) -> None:
    ended = retire(grown, "app1")
    assert ended.outcome == "retired"
    assert any("work: ends, and runs nowhere before the next deploy" in line for line in ended.said)
    del grown.hosts["app1"]
    assert grown.deploy("v2").outcome == "released"
    assert "delight-work-blue-1" in grown.hosts["app2"].engine.running()


@pytest.mark.promise("R3")
def test_a_rollback_works_after_a_host_has_left(grown: Fleet) -> None:
    assert retire(grown).outcome == "retired"
    del grown.hosts["app2"]
    ended = grown.run("rollback")
    assert ended.outcome == "released" and ended.result["to"].startswith("v1-"), ended.result


def test_one_that_stays_in_the_inventory_is_brought_up_again(grown: Fleet) -> None:
    assert retire(grown).outcome == "retired"
    ended = grown.deploy("v2")
    assert ended.outcome == "released"
    invariants.at_rest(grown.hosts, ended.result["to"])


NEXT: dict[str, Callable[[Fleet], Ended]] = {
    "again": retire,
    "recover": lambda fleet: fleet.run("recover"),
    "deploy": lambda fleet: fleet.deploy("v2"),
}


@pytest.mark.promise("R7")
@pytest.mark.parametrize("then", NEXT)
def test_broken_anywhere_the_next_run_ends_it(
    grown: Fleet, tmp_path: Path, then: str, every: bool
) -> None:
    wrong = []
    found = places(grown, retire, tmp_path / "dry")
    found = found if every else found[::3]
    ways = sorted(BREAKS)
    for number, place in enumerate(found):
        for how in ways if every else [ways[number % len(ways)]]:
            fleet, _ = broken(grown, retire, place, how, tmp_path / f"{number}-{how}")
            try:
                assert not fleet.seen, fleet.seen[0]
                watch(fleet)
                ended = NEXT[then](fleet)
                assert ended.status == 0, ended.result
                again = copied(fleet, tmp_path / f"{number}-{how}-again")
                assert retire(again).status == 0
                empty(again.hosts["app2"])
                invariants.serving(again.hosts["app1"])
            except AssertionError as error:
                wrong.append(f"{place}: {how}, then {then}: {first_lines(error)}")
    assert not wrong, "\n".join(wrong)
