"""A slot that is kept warm for a rollback is stopped by its host once its time is over."""

from __future__ import annotations

import pytest
from delight.host import store
from delight.host.lease import Lease

from tests.simulation.fleet import Fleet, Gone
from tests.simulation.host import Host

BLUE = {"delight-api-blue-1", "delight-api-blue-2"}
GREEN = {"delight-api-green-1", "delight-api-green-2"}


def warm(host: Host, at: float, boot: str = "") -> None:
    """Let the slot that cools be due `at` seconds of this boot, or of another."""
    at_rest = store.Store(host.root, Lease(host.root))
    state = at_rest.load()
    now_boot, now_s = store.boot()
    for one in state["cool"]:
        one.update(at=now_s + at, boot=boot or now_boot)
    at_rest.save(state)


@pytest.fixture
def cooling(solo: Fleet) -> Host:
    """A host that serves v2 from green and keeps v1 warm in blue."""
    assert solo.deploy("v1").status == 0
    assert solo.deploy("v2").status == 0
    host = solo.hosts["app1"]
    assert [one["slot"] for one in host.state["cool"]] == ["blue"]
    return host


@pytest.mark.promise("C2")
@pytest.mark.parametrize(("at", "boot"), [(-1, ""), (9999, "an earlier boot")])
def test_a_slot_that_was_warm_long_enough_is_stopped_and_kept(
    cooling: Host, at: float, boot: str
) -> None:
    warm(cooling, at, boot)
    found = cooling.act("sweep")
    assert found["message"] == "stopped api-blue"
    assert cooling.engine.running() == GREEN
    assert set(cooling.engine.containers) >= BLUE
    assert cooling.state["cool"] == []
    assert cooling.state["slots"]["api"]["blue"]


def test_a_slot_stays_warm_for_its_time(cooling: Host) -> None:
    warm(cooling, 60)
    assert cooling.act("sweep")["outcome"] == "ok"
    assert cooling.engine.running() == BLUE | GREEN


def test_a_run_that_goes_on_keeps_the_host_from_sweeping(solo: Fleet, cooling: Host) -> None:
    warm(cooling, -1)
    swept = []

    def hook(act: str, host: str) -> None:
        if act == "stage":
            swept.append(cooling.act("sweep"))
            assert cooling.engine.running() == BLUE | GREEN

    assert solo.run("deploy", before=hook, version="v3").status == 0
    assert [one["outcome"] for one in swept] == ["busy"]


def test_nothing_is_swept_while_a_run_is_open(solo: Fleet, cooling: Host) -> None:
    warm(cooling, -1)

    def dies(act: str, host: str) -> None:
        if act == "stage":
            raise Gone

    with pytest.raises(Gone):
        solo.run("deploy", before=dies, version="v3")
    assert cooling.act("sweep")["outcome"] == "ok"
    assert cooling.engine.running() == BLUE | GREEN


def test_a_slot_that_is_live_again_is_not_swept(solo: Fleet, cooling: Host) -> None:
    assert solo.run("rollback").status == 0
    state = cooling.state
    state["cool"] = [{"service": "api", "slot": "blue", "at": 0, "boot": "an earlier boot"}]
    store.Store(cooling.root, Lease(cooling.root)).save(state)
    cooling.act("sweep")
    assert cooling.engine.running() == BLUE | GREEN
    assert set(cooling.routes.values()) == {"api-blue"}


def test_sweeping_is_not_journaled(cooling: Host) -> None:
    before = (cooling.root / "journal.jsonl").read_text()
    warm(cooling, -1)
    cooling.act("sweep")
    assert (cooling.root / "journal.jsonl").read_text() == before
