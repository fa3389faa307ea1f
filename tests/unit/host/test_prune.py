"""What is kept and what goes: releases and images beyond the newest, strays, and slots warm too long."""

from __future__ import annotations

import pytest
from delight.host import store

from tests.simulation.fleet import SERVICES
from tests.simulation.host import Host

from .fleet import Fleet

WORKERS = {**SERVICES, "work": {"image": "registry.test/w", "health": SERVICES["api"]["health"]}}


def versions(names: set[str]) -> set[str]:
    return {name.split("-")[0] for name in names}


@pytest.mark.promise("C2")
def test_releases_beyond_the_newest_go_with_their_images(solo: Fleet) -> None:
    host = solo.hosts["app1"]
    images = {}
    for version in ("v1", "v2", "v3", "v4"):
        before = set(host.engine.images)
        assert solo.deploy(version, release_keep=2)["exit_status"] == 0
        images[version] = host.engine.images - before
    assert versions(host.kept) == {"v3", "v4"}
    assert host.engine.images == images["v3"] | images["v4"]
    assert [e["release"].split("-")[0] for e in host.state["history"]] == ["v3", "v4"]


@pytest.mark.promise("C2")
def test_what_a_slot_holds_is_kept_however_old(solo: Fleet) -> None:
    solo.services = WORKERS
    host = solo.hosts["app1"]
    assert solo.deploy("v1")["exit_status"] == 0
    kept = host.engine.images
    # Only the worker changes from here on: the api's slots hold v1 and nothing.
    for number in range(4):
        worker = {**WORKERS["work"], "env": {"N": str(number)}}
        solo.services = {**WORKERS, "work": worker}
        assert solo.deploy("v1", release_keep=2)["exit_status"] == 0
    held = {h[slot] for h in host.state["slots"].values() for slot in store.SLOTS if h[slot]}
    assert host.state["slots"]["api"]["blue"] in host.kept
    assert held <= host.kept
    assert kept <= host.engine.images


@pytest.mark.promise("C2")
def test_a_service_that_is_gone_goes_with_its_last_kept_release(solo: Fleet) -> None:
    solo.services = WORKERS
    host = solo.hosts["app1"]
    assert solo.deploy("v1", release_keep=2)["exit_status"] == 0
    solo.services = SERVICES
    assert solo.deploy("v2", release_keep=2)["exit_status"] == 0
    assert "work" in host.state["slots"], "a rollback may still want it"
    assert solo.deploy("v3", release_keep=2)["exit_status"] == 0
    assert versions(host.kept) == {"v2", "v3"}
    assert set(host.state["slots"]) == {"api"}
    assert not [name for name in host.engine.containers if "work" in name]


@pytest.mark.promise("C2")
def test_a_container_of_no_slot_goes_and_others_are_left_alone(solo: Fleet) -> None:
    host = solo.hosts["app1"]
    assert solo.deploy("v1")["exit_status"] == 0
    host.engine.add("delight-old-green-1", service="old", slot="green", release="v0", replica="9")
    host.engine.add("delight-api-once-1", service="api", slot="once", release="v1")
    host.engine.add("delight-edge")
    half = host.root / "releases/.v9.new"
    half.mkdir()
    assert solo.deploy("v2")["exit_status"] == 0
    names = host.engine.running()
    assert "delight-old-green-1" not in host.engine.containers
    assert names >= {"delight-api-once-1", "delight-edge", "delight-api-blue-1"}
    assert not half.exists()


def warm(host: Host, at: float, boot: str = "") -> None:
    """Let the slot that cools be due `at` seconds of this boot, or of another."""
    at_rest = store.Store(host.root)
    state = at_rest.load()
    now_boot, now_s = store.boot()
    for one in state["cool"]:
        one.update(at=now_s + at, boot=boot or now_boot)
    at_rest.save(state)


@pytest.fixture
def cooling(solo: Fleet) -> Host:
    """A host that serves v2 from green and keeps v1 warm in blue."""
    assert solo.deploy("v1")["exit_status"] == 0
    assert solo.deploy("v2")["exit_status"] == 0
    host = solo.hosts["app1"]
    assert [one["slot"] for one in host.state["cool"]] == ["blue"]
    return host


BLUE = {"delight-api-blue-1", "delight-api-blue-2"}
GREEN = {"delight-api-green-1", "delight-api-green-2"}


@pytest.mark.promise("C2")
@pytest.mark.parametrize(("at", "boot"), [(-1, ""), (9999, "an earlier boot")])
def test_a_slot_that_was_warm_long_enough_is_stopped_and_kept(
    cooling: Host, at: float, boot: str
) -> None:
    warm(cooling, at, boot)
    found = cooling.act("sweep")
    assert found["told"] == "stopped api-blue"
    assert cooling.engine.running() == GREEN
    assert set(cooling.engine.containers) >= BLUE
    assert cooling.state["cool"] == []
    assert cooling.state["slots"]["api"]["blue"]


def test_a_slot_stays_warm_for_its_time(cooling: Host) -> None:
    warm(cooling, 60)
    assert cooling.act("sweep")["outcome"] == "ok"
    assert cooling.engine.running() == BLUE | GREEN


def test_nothing_is_swept_while_a_run_is_open(solo: Fleet, cooling: Host) -> None:
    warm(cooling, -1)
    swept = []

    def hook(host: str, act: str) -> None:
        if act == "stage":
            swept.append(cooling.act("sweep"))
            assert cooling.engine.running() == BLUE | GREEN

    assert solo.run("deploy", "main", before=hook, version="v3")["exit_status"] == 0
    assert [one["outcome"] for one in swept] == ["ok"]


def test_a_slot_that_is_live_again_is_not_swept(solo: Fleet, cooling: Host) -> None:
    assert solo.run("rollback", "main")["exit_status"] == 0
    state = cooling.state
    state["cool"] = [{"service": "api", "slot": "blue", "at": 0, "boot": "an earlier boot"}]
    store.Store(cooling.root).save(state)
    cooling.act("sweep")
    assert cooling.engine.running() == BLUE | GREEN
    assert cooling.routes == {"*/api/": "api-blue"}


def test_sweeping_is_not_journaled(cooling: Host) -> None:
    before = (cooling.root / "journal.jsonl").read_text()
    warm(cooling, -1)
    cooling.act("sweep")
    assert (cooling.root / "journal.jsonl").read_text() == before
