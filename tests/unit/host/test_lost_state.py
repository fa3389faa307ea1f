"""What serves is never touched, whatever became of the host's state file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delight.host import prune, serving, slots, store

from tests.simulation.host import Host

from .fleet import Fleet

LIVE = {"delight-api-blue-1", "delight-api-blue-2"}


def lose(host: Host) -> Path:
    """Move the state away, as somebody may have done by hand."""
    return (host.root / "state.json").rename(host.root / "moved-away.json")


def forget(host: Host, **changes: Any) -> dict[str, Any]:
    """A state that is wrong about this host; returns it."""
    state = {**store.EMPTY, "slots": {}, "history": [], **changes}
    (host.root / "state.json").write_text(json.dumps(state))
    return state


def everything(host: Host) -> tuple[Any, ...]:
    return (host.engine.running(), host.engine.policies(), host.kept, host.routes)


@pytest.fixture
def served(pair: Fleet) -> Fleet:
    """Two hosts that serve v1 from blue and keep nothing else."""
    assert pair.deploy("v1")["exit_status"] == 0
    return pair


@pytest.mark.promise("C12")
def test_a_state_that_is_gone_is_refused_before_anything_is_claimed(served: Fleet) -> None:
    lose(served.hosts["app1"])
    before = [everything(host) for host in served.hosts.values()]
    run = served.deploy("v2")
    assert run["exit_status"] == 20
    root = served.hosts["app1"].root
    for said in (
        f"app1: {root}/state.json is missing, but {root}/edge/live.map names api-blue; ",
        "there are the containers delight-api-blue-1, delight-api-blue-2. ",
        f"Put {root}/state.json back",
        "docker rm -f $(docker ps -aq --filter label=delight.slot)",
    ):
        assert said in run["text"]
    assert [everything(host) for host in served.hosts.values()] == before
    assert served.hosts["app2"].state["run"] is None
    assert not (root / "state.json").exists()


@pytest.mark.parametrize("act", ["lock", "prepare"])
def test_the_claim_itself_refuses_too(served: Fleet, act: str) -> None:
    app1 = served.hosts["app1"]
    lose(app1)
    found = app1.act(act, run={"id": "r"}, live=None, last=None)
    assert found["outcome"] == "refused"
    assert "state.json is missing" in found["reason"]
    assert not (app1.root / "state.json").exists()


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


def test_a_state_that_goes_in_the_middle_costs_nothing_that_serves(served: Fleet) -> None:
    app1 = served.hosts["app1"]
    before = everything(app1)

    def hook(host: str, act: str) -> None:
        if (host, act) == ("app1", "stage"):
            lose(app1)

    run = served.run("deploy", "main", before=hook, version="v2")
    assert run["exit_status"] == 22
    assert everything(app1)[0] >= LIVE
    assert app1.routes == before[3] == {"*/api/": "api-blue"}
    assert before[2] <= app1.kept


def test_the_way_out_leads_out(served: Fleet) -> None:
    app1 = served.hosts["app1"]
    file = lose(app1)
    assert served.deploy("v2")["exit_status"] == 20
    file.rename(app1.root / "state.json")
    assert served.deploy("v2")["exit_status"] == 0
    lose(app1)
    app1.engine.containers.clear()
    (app1.root / "edge/live.map").write_text("")
    app1.edge.maps["live.map"].clear()
    assert served.deploy("v3")["exit_status"] == 0
    assert app1.routes == {"*/api/": "api-blue"}


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "{}"])
def test_a_state_that_cannot_be_read_is_never_to_be_moved_away(served: Fleet, text: str) -> None:
    (served.hosts["app1"].root / "state.json").write_text(text)
    run = served.deploy("v2")
    assert run["exit_status"] == 20
    assert "/app1/state.json is no" in run["text"]
    assert "put back a good copy from this host's backup" in run["text"]
    assert "move it away" not in run["text"]


@pytest.mark.usefixtures("dead")
def test_no_decision_is_taken_without_a_host_that_lost_its_state(served: Fleet) -> None:
    def dies(host: str, act: str) -> dict[str, Any] | None:
        return {"outcome": "skipped"} if act in ("settle", "undo") else None

    served.run("deploy", "main", before=dies, version="v2")
    lose(served.hosts["app1"])
    run = served.run("recover", "mend")
    assert run["exit_status"] == 22
    assert "app1: " in run["text"] and "state.json is missing" in run["text"]
    assert served.hosts["app2"].state["run"]["phase"] == "switched"


@pytest.mark.promise("C12", "C2")
@pytest.mark.parametrize("witness", ["file", "runtime", "state"])
@pytest.mark.parametrize("deed", ["stop", "clear", "remove", "sweep", "prune"])
def test_no_deed_reaches_what_a_witness_names(solo: Fleet, witness: str, deed: str) -> None:
    assert solo.deploy("v1")["exit_status"] == 0
    host = solo.hosts["app1"]
    held = {"api": {"live": None, "blue": None, "green": None}}
    if witness == "state":
        held["api"]["live"] = "blue"  # type: ignore[assignment]
    if witness != "file":
        (host.root / "edge/live.map").write_text("")
    if witness != "runtime":
        host.edge.maps["live.map"].clear()
    cool = [{"service": "api", "slot": "blue", "at": 0, "boot": "an earlier one"}]
    state = forget(host, slots=held, cool=cool)
    at = store.Store(host.root)
    kept = host.kept
    if deed in ("stop", "clear"):
        with pytest.raises(store.Refused, match="api-blue serves and is not touched"):
            getattr(slots, deed)(at, state, "api", "blue", 1)
    elif deed == "remove":
        found = [{"id": "delight-api-blue-1", "service": "api", "slot": "blue"}]
        with pytest.raises(store.Refused, match="api-blue serves and is not touched"):
            slots.remove(at, state, found)
    elif deed == "sweep":
        host.act("sweep")
    else:
        assert prune.prune(at, state, keep=0) == []
    assert host.engine.running() == LIVE
    assert host.kept == kept
    assert host.engine.images


def test_nothing_is_pruned_while_the_edge_is_silent(solo: Fleet) -> None:
    assert solo.deploy("v1")["exit_status"] == 0
    host = solo.hosts["app1"]
    state = forget(host)
    host.edge.silent = True
    assert prune.prune(store.Store(host.root), state, keep=0) == []
    assert host.engine.running() == LIVE
    assert host.kept


@pytest.mark.parametrize("phase", ["moving", "settling"])
def test_what_a_run_has_replaced_may_go(phase: str) -> None:
    slots_now = {"work": {"live": "blue", "blue": "v1", "green": None}}
    run = {"phase": phase, "slots": {"work": "green"}, "gone": []}
    assert serving.recorded({"slots": slots_now, "run": run}) == set()
    assert serving.recorded({"slots": slots_now, "run": {**run, "phase": "undoing"}}) == {
        "work-blue"
    }
