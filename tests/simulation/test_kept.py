"""What is kept with each release, and what goes: releases and images beyond the newest, and strays."""

from __future__ import annotations

import pytest
from delight.host import store

from tests.simulation.fleet import SERVICES, Fleet

pytestmark = pytest.mark.promise("C2")
WORKERS = {**SERVICES, "work": {"image": "registry.test/w", "health": SERVICES["api"]["health"]}}


def versions(names: set[str]) -> set[str]:
    return {name.split("-")[0] for name in names}


def test_releases_beyond_the_newest_go_with_their_images(solo: Fleet) -> None:
    host = solo.hosts["app1"]
    images = {}
    for version in ("v1", "v2", "v3", "v4"):
        before = set(host.engine.images)
        assert solo.deploy(version, release_keep=2).status == 0
        images[version] = host.engine.images - before
    assert versions(host.kept) == {"v3", "v4"}
    assert host.engine.images == images["v3"] | images["v4"]
    assert [e["release"].split("-")[0] for e in host.state["history"]] == ["v3", "v4"]


def test_what_a_slot_holds_is_kept_however_old(solo: Fleet) -> None:
    solo.services = WORKERS
    host = solo.hosts["app1"]
    assert solo.deploy("v1").status == 0
    kept = set(host.engine.images)
    # Only the worker changes from here on: the api's slots hold v1 and nothing.
    for number in range(4):
        worker = {**WORKERS["work"], "env": {"N": str(number)}}
        solo.services = {**WORKERS, "work": worker}
        assert solo.deploy("v1", release_keep=2).status == 0
    held = {h[slot] for h in host.state["slots"].values() for slot in store.SLOTS if h[slot]}
    assert host.state["slots"]["api"]["blue"] in host.kept
    assert held <= host.kept
    assert kept <= host.engine.images


def test_a_service_that_is_gone_goes_with_its_last_kept_release(solo: Fleet) -> None:
    solo.services = WORKERS
    host = solo.hosts["app1"]
    assert solo.deploy("v1", release_keep=2).status == 0
    solo.services = SERVICES
    assert solo.deploy("v2", release_keep=2).status == 0
    assert "work" in host.state["slots"], "a rollback may still want it"
    assert solo.deploy("v3", release_keep=2).status == 0
    assert versions(host.kept) == {"v2", "v3"}
    assert set(host.state["slots"]) == {"api"}
    assert not [name for name in host.engine.containers if "work" in name]


def test_a_container_of_no_slot_goes_and_others_are_left_alone(solo: Fleet) -> None:
    host = solo.hosts["app1"]
    assert solo.deploy("v1").status == 0
    host.engine.add("delight-old-green-1", service="old", slot="green", release="v0", replica="9")
    host.engine.add("delight-api-once-1", service="api", slot="once", release="v1")
    host.engine.add("delight-edge")
    half = host.root / "releases/.v9.new"
    half.mkdir()
    assert solo.deploy("v2").status == 0
    names = host.engine.running()
    assert "delight-old-green-1" not in host.engine.containers
    assert names >= {"delight-api-once-1", "delight-edge", "delight-api-blue-1"}
    assert not half.exists()
