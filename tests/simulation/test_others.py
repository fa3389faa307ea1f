"""Two applications on one host: neither ever touches what is the other's, and an environment is refused by name."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.simulation import invariants
from tests.simulation.breaking import Act, broken, copied, places
from tests.simulation.fleet import WORK, Fleet, operators
from tests.simulation.host import Host, install

pytestmark = pytest.mark.promise("C11")
# What an operator may do, from two releases on.
DEEDS: dict[str, Act] = {
    "deploy": lambda fleet: fleet.deploy("v3"),
    "deploy of a bad one": lambda fleet: fleet.deploy("bad"),
    "rollback": lambda fleet: fleet.run("rollback"),
    "prune": lambda fleet: fleet.run("deploy", version="v3", release_keep=2),
    "retire": lambda fleet: fleet.run("retire", limit={"app2"}),
    "recover": lambda fleet: fleet.run("recover"),
    "status": lambda fleet: fleet.run("status"),
}
SAID = ("belongs to environment", "Give this one a folder of its own (release_root: /srv/<name>)")


def neighbours(host: Host, releases: set[str]) -> None:
    """All kinds of containers that are not this application's, as like to its own as can be."""
    first = "delight" if host.root.name != "delight" else None
    for release in ["v0-of-theirs", *sorted(releases)]:
        for slot in ("blue", "green"):
            for service in ("api", "work", "old"):
                of = {"service": service, "slot": slot, "release": release, "replica": "1"}
                host.engine.add(f"theirs-{service}-{slot}-{release}", app="theirs", **of)
                if first:  # of an earlier version, which did not say whose they are
                    one = host.engine.add(f"{first}-{service}-{slot}-{release}", **of)
                    assert "delight.app" not in one["labels"]
    once = {"service": "api", "slot": "once", "release": "v0-of-theirs"}
    host.engine.add("theirs-api-once-1", app="theirs", **once)
    host.engine.add("theirs-edge", app="theirs")
    host.engine.create("somebody-else", {"app": "nobody"})["labels"].clear()


def theirs(host: Host) -> dict[str, Any]:
    """Everything about the containers that are not this application's."""
    mine = {one["Id"] for one in invariants.own(host)}
    return copy.deepcopy({k: v for k, v in host.engine.containers.items() if k not in mine})


def filled(fleet: Fleet) -> Fleet:
    """Two releases, with other applications beside them on each host."""
    fleet.services = {**fleet.services, "work": WORK}
    for version in ("v1", "v2"):
        assert fleet.deploy(version).outcome == "released"
    for host in fleet.hosts.values():
        neighbours(host, host.kept)
        host.sick = {"bad"}
    return fleet


@pytest.fixture(params=["delight", "shop"])
def beside(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: Any) -> Fleet:
    """An application with neighbours; that of the first name takes what does not say whose it is for its own."""
    install(monkeypatch)
    hosts = {name: Host(tmp_path / "first" / name, request.param) for name in ("app1", "app2")}
    fleet = Fleet(hosts)
    operators(fleet, monkeypatch)
    return filled(fleet)


@pytest.mark.parametrize("deed", DEEDS)
def test_no_run_touches_what_is_anothers(beside: Fleet, deed: str) -> None:
    before = {name: theirs(host) for name, host in beside.hosts.items()}
    DEEDS[deed](beside)
    assert {name: theirs(host) for name, host in beside.hosts.items()} == before
    for host in beside.hosts.values():
        invariants.serving(host)
        assert {one["Id"].split("-")[0] for one in invariants.own(host)} <= {host.root.name}


@pytest.mark.parametrize("how", ["dies", "abandoned", "reboots", "loses_engine"])
def test_nor_does_one_that_is_broken_off_and_recovered(
    beside: Fleet, tmp_path: Path, how: str, every: bool
) -> None:
    found = places(beside, DEEDS["deploy"], tmp_path / "dry")
    for number, place in enumerate(found if every else found[::15]):
        fleet, _ = broken(beside, DEEDS["deploy"], place, how, tmp_path / str(number))
        for host in fleet.hosts.values():
            host.engine.away = False
        alive = {name: set(theirs(host)) for name, host in fleet.hosts.items()}
        assert fleet.run("recover").status == 0, str(place)
        for name, host in fleet.hosts.items():
            assert set(theirs(host)) == alive[name] == set(theirs(beside.hosts[name])), str(place)
            if how not in ("reboots", "loses_engine"):
                assert theirs(host) == theirs(beside.hosts[name]), str(place)


def test_the_sweeper_stops_its_own_alone(beside: Fleet) -> None:
    host = beside.hosts["app1"]
    before = theirs(host)
    host.reboot()  # the time of all that is warm is over
    stopped = {name: one["State"] for name, one in theirs(host).items()}
    assert host.act("sweep")["outcome"] == "ok"
    assert {name: one["State"] for name, one in theirs(host).items()} == stopped
    assert theirs(host).keys() == before.keys()
    invariants.serving(host)


@pytest.mark.parametrize("deed", [deed for deed in DEEDS if deed != "status"])
def test_an_environment_is_refused_a_host_of_another_one(served: Fleet, deed: str) -> None:
    (served.hosts["app2"].root / "environment").write_text("staging\n")
    before = {name: host.state for name, host in served.hosts.items()}
    ended = DEEDS[deed](served)
    root = served.hosts["app2"].root
    assert f"app2: {root} belongs to environment staging, and this is test. Give" in ended.text
    assert ended.status == (22 if deed == "recover" else 20)
    assert {name: host.state for name, host in served.hosts.items()} == before


@pytest.mark.parametrize("deed", ["deploy", "recover", "retire"])
def test_what_another_environment_has_left_open_is_not_ended(
    served: Fleet, tmp_path: Path, deed: str
) -> None:
    found = places(served, DEEDS["deploy"], tmp_path / "dry")
    fleet, _ = broken(
        served, DEEDS["deploy"], found[len(found) // 2], "abandoned", tmp_path / "left"
    )
    for host in fleet.hosts.values():
        (host.root / "environment").write_text("staging\n")
    before = {name: host.state for name, host in fleet.hosts.items()}
    assert any(state["run"] for state in before.values())
    ended = DEEDS[deed](fleet)
    assert all(word in ended.text for word in SAID)
    assert {name: host.state for name, host in fleet.hosts.items()} == before


def test_of_two_environments_at_once_the_second_is_refused_at_the_lock(solo: Fleet) -> None:
    def first(act: str, host: str) -> None:
        if act == "lock":
            (solo.hosts[host].root / "environment").write_text("staging\n")

    ended = solo.run("deploy", before=first, version="v1")
    assert ended.status == 20
    assert all(word in ended.text for word in SAID)
    assert not (solo.hosts["app1"].root / "state.json").exists()


def test_a_host_is_claimed_with_its_first_run_and_given_up_with_its_last(
    make: Callable[..., Fleet], tmp_path: Path
) -> None:
    fleet = make("app1", "app2")
    assert fleet.deploy("v1").outcome == "released"
    files = [host.root / "environment" for host in fleet.hosts.values()]
    assert [file.read_text() for file in files] == ["test\n", "test\n"]
    assert DEEDS["retire"](fleet).outcome == "retired"
    assert [file.exists() for file in files] == [True, False]
    assert json.loads((fleet.hosts["app2"].root / "state.json").read_text())["live"] is None
    # One that was provisioned and has never served is given up as well.
    files[1].write_text("test\n")
    assert DEEDS["retire"](fleet).outcome == "retired"
    assert not files[1].exists()
    assert DEEDS["retire"](fleet).outcome == "unchanged"
    other = copied(fleet, tmp_path / "again")
    assert other.run("deploy", version="v1", allow_mixed=True, env_name="shop",
                     limit={"app2"}).outcome == "released"  # fmt: skip
    assert (other.hosts["app2"].root / "environment").read_text() == "shop\n"
