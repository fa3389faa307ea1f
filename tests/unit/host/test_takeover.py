"""Two controllers that cannot see each other: one is refused, or takes over by name; none guesses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from delight import controller

from .fleet import Fleet, Hook

HERE = {"name": "me@here", "pid": 11, "born": "1", "boot": "one machine", "pids": "pid:[1]"}
THERE = {"name": "you@there", "pid": 22, "born": "2", "boot": "another", "pids": "pid:[1]"}


@pytest.fixture
def served(pair: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Two hosts that serve v1; runs are of a controller elsewhere."""
    monkeypatch.setattr(controller, "me", lambda: HERE)
    assert pair.deploy("v1")["exit_status"] == 0
    return pair


@contextmanager
def as_other(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(controller, "me", lambda: THERE)
        yield


def once(moment: str, then: Callable[[], Any]) -> Hook:
    """Do something just before the first host's act `moment`."""
    waiting = [then]

    def hook(host: str, act: str) -> None:
        if (host, act) == ("app1", moment) and waiting:
            waiting.pop()()

    return hook


def serving(fleet: Fleet) -> set[str]:
    """The releases that the containers behind the maps belong to."""
    found = set()
    for host in fleet.hosts.values():
        slots = {name.rpartition("-")[2] for name in host.routes.values()}
        for one in host.engine.containers.values():
            if one["labels"]["delight.slot"] in slots and one["State"]["Running"]:
                found.add(one["labels"]["delight.release"].split("-")[0])
    return found


@pytest.mark.promise("C9")
@pytest.mark.parametrize("playbook", ["deploy", "recover"])
@pytest.mark.parametrize("moment", ["stage", "switch", "settle"])
def test_a_run_that_may_live_elsewhere_is_left_alone(
    served: Fleet, moment: str, playbook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[dict[str, Any]] = []

    def other() -> None:
        with as_other(monkeypatch):
            tasks = "main" if playbook == "deploy" else "mend"
            said.append(served.run(playbook, tasks, version="v3"))

    run = served.run("deploy", "main", before=once(moment, other), version="v2")
    assert run["exit_status"] == 0
    assert serving(served) == {"v2"}
    [refused] = said
    assert refused["exit_status"] == 20
    assert "by me@here:11 is running; wait for it (since 20" in refused["text"]
    assert "run recover.yml -e takeover=me@here:11" in refused["text"]


@pytest.mark.promise("R8")
@pytest.mark.parametrize("moment", ["prepare", "stage", "switch", "settle"])
def test_a_run_that_was_taken_over_claims_nothing(
    served: Fleet, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[dict[str, Any]] = []

    def other() -> None:
        with as_other(monkeypatch):
            said.append(served.run("recover", "mend", takeover="me@here:11"))
            said.append(served.deploy("v3"))

    run = served.run("deploy", "main", before=once(moment, other), version="v2")
    assert [one["exit_status"] for one in said] == [0, 0], said
    assert serving(served) == {"v3"}
    assert run["exit_status"] == 22
    assert "this run was taken over" in run["text"]
    for word in ("RELEASED", "ROLLED BACK"):
        assert word not in run["text"]


def test_a_run_that_was_put_back_by_another_says_what_the_hosts_say(
    served: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other() -> None:
        with as_other(monkeypatch):
            assert served.run("recover", "mend", takeover="me@here:11")["exit_status"] == 0

    def hook(host: str, act: str) -> dict[str, Any] | None:
        if (host, act) == ("app1", "undo"):
            other()
        return {"outcome": "failed", "reason": "sick"} if act == "stage" else None

    run = served.run("deploy", "main", before=hook, version="v2")
    assert (run["exit_status"], serving(served)) == (21, {"v1"})
    assert run["text"].startswith("ROLLED BACK: v1-")


def test_a_takeover_is_journaled_by_who_did_it(
    served: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other() -> None:
        with as_other(monkeypatch):
            served.run("recover", "mend", takeover="me@here:11")

    served.run("deploy", "main", before=once("stage", other), version="v2")
    lines = (served.hosts["app2"].root / "journal.jsonl").read_text().splitlines()
    mended = [json.loads(line) for line in lines if "mended_by" in line]
    keys = ("act", "by", "takeover", "mended_by")
    assert [tuple(one[key] for key in keys) for one in mended] == [
        ("undo", "me@here", "me@here:11", "you@there:22")
    ]


@pytest.mark.usefixtures("dead")
def test_mending_after_a_dead_controller_is_journaled_and_no_takeover(
    served: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(host: str, act: str) -> dict[str, Any] | None:
        return {"outcome": "skipped"} if act in ("switch", "undo") else None

    served.run("deploy", "main", before=dies, version="v2")
    with as_other(monkeypatch):
        assert served.run("recover", "mend")["exit_status"] == 0
    last = (served.hosts["app1"].root / "journal.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["mended_by"] == "you@there:22"
    assert "takeover" not in last


@pytest.mark.parametrize("name", ["me@here", "you@there:22", "me@here:12", "true"])
def test_a_takeover_names_the_owner_exactly(
    served: Fleet, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[dict[str, Any]] = []
    other = once("stage", lambda: said.append(served.run("recover", "mend", takeover=name)))
    assert served.run("deploy", "main", before=other, version="v2")["exit_status"] == 0
    [refused] = said
    assert refused["exit_status"] == 20
    assert "does not name the owner of an open run; open are runs by me@here:11" in refused["text"]


def test_a_takeover_of_nothing_is_refused(served: Fleet) -> None:
    run = served.run("recover", "mend", takeover="me@here:11")
    assert run["exit_status"] == 20
    assert "no run is open" in run["text"]


def test_only_recover_takes_over(served: Fleet) -> None:
    with pytest.raises(ValueError, match=r"takeover: is for recover\.yml alone"):
        served.deploy("v2", takeover="me@here:11")


def test_of_two_that_planned_at_once_the_second_is_told_who_was_first(
    served: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[dict[str, Any]] = []

    def first() -> None:
        def nested(host: str, act: str) -> dict[str, Any] | None:
            return {"outcome": "skipped"} if act not in ("lock", "prepare", "look") else None

        with as_other(monkeypatch):
            said.append(served.run("deploy", "main", before=nested, version="v3"))

    run = served.run("deploy", "main", before=once("lock", first), version="v2")
    assert run["exit_status"] == 20
    assert "deploy of v3-" in run["text"]
    assert "by you@there:22 has run since 20" in run["text"]
    assert "phase prepared; wait for it, or, if it has died, run recover.yml" in run["text"]
