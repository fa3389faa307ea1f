"""What a replica is called, how services ask each other, and what a slot is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fleet.support.hosts import Fleet

BACK = {"image": "{{ registry }}/delight-test", "port": 8001, "memory": "64m"}
ASK = "import urllib.request as u; print(u.urlopen('http://back.internal/x').read().decode())"


def inside(fleet: Fleet, slot: str, *command: str) -> str:
    """What a command prints in the first replica of `api` in a slot."""
    return fleet.exec("solo", "docker", "exec", f"delight-api-{slot}-1", *command).strip()


@pytest.mark.promise("T2", "W8")
def test_services_ask_the_live_slot_by_name(solo: Fleet, services: dict[str, Any]) -> None:
    first, second = solo.next_versions(2)
    names = set()
    for version in (first, second):
        solo.deploy(version, services={**services, "back": BACK}).expect("released", 0)
        live = solo.state("solo")["slots"]["api"]["live"]
        said = json.loads(inside(solo, live, "python3", "-c", ASK))
        assert said["version"] == version
        assert said["host"] == f"solo-back-{solo.state('solo')['slots']['back']['live']}-1"
        assert inside(solo, live, "cat", "/run/delight/slot") == "live"
        names.add(inside(solo, live, "hostname"))
    assert names == {"solo-api-blue-1", "solo-api-green-1"}

    # The slot that is warm still runs: it is told, and asks what is live now, too.
    warm = "green" if live == "blue" else "blue"
    assert inside(solo, warm, "cat", "/run/delight/slot") == "idle"
    assert json.loads(inside(solo, warm, "python3", "-c", ASK))["version"] == second
    solo.rollback().expect("released", 0)
    assert inside(solo, warm, "cat", "/run/delight/slot") == "live"
    assert inside(solo, live, "cat", "/run/delight/slot") == "idle"
