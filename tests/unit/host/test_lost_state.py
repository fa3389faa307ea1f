"""What serves is never touched by any act, whatever became of the host's state file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delight.host import prune, serving, slots, store
from delight.host.lease import Lease

from tests.simulation.fleet import Fleet
from tests.simulation.host import Host

LIVE = {"delight-api-blue-1", "delight-api-blue-2"}


def lose(host: Host) -> Path:
    """Move the state away, as somebody may have done by hand."""
    return (host.root / "state.json").rename(host.root / "moved-away.json")


def forget(host: Host, **changes: Any) -> dict[str, Any]:
    """A state that is wrong about this host; returns it."""
    state = {**store.EMPTY, "slots": {}, "history": [], **changes}
    (host.root / "state.json").write_text(json.dumps(state))
    return state


@pytest.fixture
def served(solo: Fleet) -> Host:
    """A host that serves v1 from blue and keeps nothing else."""
    assert solo.deploy("v1").status == 0
    return solo.hosts["app1"]


@pytest.mark.parametrize("act", ["lock", "prepare"])
def test_the_claim_itself_refuses(served: Host, act: str) -> None:
    lose(served)
    found = served.act(act, run={"id": "r"}, live=None, last=None)
    assert found["outcome"] == "refused"
    assert "state.json is missing" in found["reason"]
    assert not (served.root / "state.json").exists()


@pytest.mark.parametrize("trace", ["file", "runtime", "containers"])
def test_any_trace_of_a_release_is_enough(solo: Fleet, trace: str) -> None:
    host = solo.hosts["app1"]
    if trace == "file":
        (host.root / "edge/live.map").write_text("*/ api-blue\n")
    elif trace == "runtime":
        host.edge.maps["live.map"] = {"*/": "api-blue"}
    else:
        host.engine.add("delight-work-blue-1", service="work", slot="blue", release="v0")
    found = host.act("look")
    assert found["outcome"] == "refused"
    assert ("api-blue" if trace != "containers" else "delight-work-blue-1") in found["reason"]


def test_a_new_host_has_no_state_and_is_well(solo: Fleet) -> None:
    assert solo.hosts["app1"].act("look")["state"] == store.EMPTY


@pytest.mark.promise("C12", "C2")
@pytest.mark.parametrize("witness", ["file", "runtime", "state"])
@pytest.mark.parametrize("deed", ["stop", "clear", "remove", "sweep", "prune"])
def test_no_deed_reaches_what_a_witness_names(served: Host, witness: str, deed: str) -> None:
    held = {"api": {"live": None, "blue": None, "green": None}}
    if witness == "state":
        held["api"]["live"] = "blue"  # type: ignore[assignment]
    if witness != "file":
        (served.root / "edge/live.map").write_text("")
    if witness != "runtime":
        served.edge.maps["live.map"].clear()
    cool = [{"service": "api", "slot": "blue", "at": 0, "boot": "an earlier one"}]
    state = forget(served, slots=held, cool=cool)
    at = store.Store(served.root, Lease(served.root))
    kept = served.kept
    if deed in ("stop", "clear"):
        with pytest.raises(store.Refused, match="api-blue serves and is not touched"):
            getattr(slots, deed)(at, state, "api", "blue", 1)
    elif deed == "remove":
        found = [{"id": "delight-api-blue-1", "service": "api", "slot": "blue"}]
        with pytest.raises(store.Refused, match="api-blue serves and is not touched"):
            slots.remove(at, state, found)
    elif deed == "sweep":
        served.act("sweep")
    else:
        assert prune.prune(at, state, keep=0) == []
    assert served.engine.running() == LIVE
    assert served.kept == kept
    assert served.engine.images


def test_nothing_is_pruned_while_the_edge_is_silent(served: Host) -> None:
    state = forget(served)
    served.edge.silent = True
    assert prune.prune(store.Store(served.root, Lease(served.root)), state, keep=0) == []
    assert served.engine.running() == LIVE
    assert served.kept


@pytest.mark.parametrize("phase", ["moving", "settling"])
def test_what_a_run_has_replaced_may_go(phase: str) -> None:
    slots_now = {"work": {"live": "blue", "blue": "v1", "green": None}}
    run = {"phase": phase, "slots": {"work": "green"}, "gone": []}
    assert serving.recorded({"slots": slots_now, "run": run}) == set()
    assert serving.recorded({"slots": slots_now, "run": {**run, "phase": "undoing"}}) == {
        "work-blue"
    }
