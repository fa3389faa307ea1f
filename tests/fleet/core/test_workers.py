"""Services without a port move after the traffic, and go back with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fleet.support.hosts import Fleet
from tests.fleet.support.load import Load

WORKER = {
    "image": "{{ registry }}/delight-test",
    "env": {"PORT": "0"},
    "memory": "64m",
    "health": {"timeout": "20s"},
}


def running(fleet: Fleet, *services: str) -> dict[str, list[str]]:
    """{host: ["service version" of every container of these services that runs there]}."""
    return {
        host: sorted(
            f"{one['service']} {one['release'].split('-')[0]}"
            for one in seen["containers"]
            if one["service"] in services and one["state"] == "running"
        )
        for host, seen in fleet.observe().items()
    }


@pytest.mark.promise("H7", "R2", "G7", "R4")
def test_workers_and_singletons_move_after_the_traffic(
    pair: Fleet, load: Load, services: dict[str, Any]
) -> None:
    more = {**services, "worker": WORKER, "clock": {**WORKER, "singleton": True, "overlap": False}}
    first, second, third = pair.next_versions(3)
    for version in (first, second):
        pair.deploy(version, services=more).expect("released", 0)
    moved = {"app1": [f"clock {second}", f"worker {second}"], "app2": [f"worker {second}"]}
    assert running(pair, "clock", "worker") == moved

    # A worker that does not start puts everything back, itself included.
    broken = {**more, "worker": {**WORKER, "command": ["false"]}}
    run = pair.deploy(third, services=broken).expect("rolled back", 21)
    assert "its container exited with status 1" in run.output
    pair.converged(second)
    assert running(pair, "clock", "worker") == moved

    pair.rollback().expect("released", 0)
    back = {"app1": [f"clock {first}", f"worker {first}"], "app2": [f"worker {first}"]}
    assert running(pair, "clock", "worker") == back
    pair.deploy(third).expect("released", 0)
    assert running(pair, "clock", "worker") == {"app1": [], "app2": []}
