"""A warm slot costs memory for as long as its service says, and not longer."""

from __future__ import annotations

import pytest

from tests.fleet.support.hosts import Fleet, until


@pytest.mark.promise("C2")
def test_a_warm_slot_is_stopped_when_its_time_is_over(
    solo: Fleet, services: dict[str, dict[str, object]]
) -> None:
    services["api"]["warm"] = "1s"
    old, new = solo.next_versions(2)
    for version in (old, new):
        solo.deploy(version, services=services).expect("released", 0)

    def only_the_live_slot_runs() -> bool:
        # Started more often than its timer does, it would be refused.
        solo.exec("solo", "systemctl", "reset-failed", "delight-sweep.service")
        solo.exec("solo", "systemctl", "start", "delight-sweep.service")
        containers = solo.observe()["solo"]["containers"]
        return {c["release"].split("-")[0] for c in containers if c["state"] == "running"} == {new}

    until(only_the_live_slot_runs, "the old slot was stopped")
    solo.serves(new)
    solo.rollback().expect("released", 0)
    solo.serves(old)
