"""A replica that Docker has restarted once is as good as any; one that dies under the gate is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulation.fleet import BLUE, SERVICES, Fleet
from tests.simulation.host import Host

WORKERS = {**SERVICES, "work": {"image": "registry.test/api", "health": SERVICES["api"]["health"]}}


def restart(host: Host, slot: str, times: int = 1) -> None:
    """What Docker does to a container that ends by itself and is to run."""
    for one in host.engine.containers.values():
        if one["labels"]["delight.slot"] == slot:
            one["RestartCount"] += times


def when(host: Host, question: str, then: Callable[[], None]) -> None:
    """Do something once, in the middle of an act: as its edge is asked `question`."""
    exchange, waiting = host.edge.exchange, [then]

    def asked(sock: str, command: str) -> str:
        if command.startswith(question) and waiting:
            waiting.pop()()
        return exchange(sock, command)

    host.edge.exchange = asked  # type: ignore[method-assign]


@pytest.mark.parametrize("skip_gate", [False, True])
def test_a_slot_whose_replicas_were_restarted_can_be_gone_back_to(
    solo: Fleet, skip_gate: bool
) -> None:
    solo.services = WORKERS
    assert solo.deploy("v1").status == 0
    restart(solo.hosts["app1"], "blue", times=2)
    assert solo.deploy("v2").status == 0
    back = solo.run("rollback", skip_gate=skip_gate)
    assert back.status == 0, back.text
    assert solo.hosts["app1"].routes == BLUE


@pytest.mark.promise("G5", "R2")
@pytest.mark.parametrize(
    "moment", ["show stat", "commit map"], ids=["after the gate", "after the switch"]
)
def test_a_replica_that_restarts_meanwhile_puts_all_back(solo: Fleet, moment: str) -> None:
    assert solo.deploy("v1").status == 0
    host = solo.hosts["app1"]
    when(host, moment, lambda: restart(host, "green"))
    ended = solo.deploy("v2")
    assert ended.status == 21
    assert "its container was restarted after the gate had begun" in ended.text
    assert ("switch" in ended.acts) == (moment == "commit map")
    assert host.routes == BLUE


@pytest.mark.promise("R2")
def test_a_worker_between_two_lives_is_stopped_too(solo: Fleet) -> None:
    solo.services = {**WORKERS, "work": {**WORKERS["work"], "overlap": False}}
    assert solo.deploy("v1").status == 0
    host = solo.hosts["app1"]
    old = host.engine.containers["delight-work-blue-1"]
    host.engine.pause(old)
    assert solo.deploy("v2").status == 0
    assert not old["State"]["Restarting"], "the engine would start it beside its successor"


@pytest.mark.promise("G5")
def test_a_replica_between_two_lives_has_not_passed(solo: Fleet) -> None:
    assert solo.deploy("v1").status == 0
    host = solo.hosts["app1"]

    def dies() -> None:
        host.engine.pause(host.engine.containers["delight-api-green-1"])

    when(host, "show stat", dies)
    ended = solo.deploy("v2")
    assert ended.status == 21, ended.result
    assert "delight-api-green-1: its container exited" in ended.text
