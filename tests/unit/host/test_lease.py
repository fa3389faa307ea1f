"""One run at a time on a host; whoever waits is told for whom, since when, and the way out."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from delight.host import command, lease, main, store
from delight.host.lease import Lease

from tests.simulation.fleet import Fleet

ME = "me@here:7"
RUN = {"id": "r1", "kind": "deploy", "to": "v2-abc", "by": {"name": "me@here", "pid": 7}}
ASKED = {"run": RUN, "by": ME}
# What the next controller says of itself as it takes over.
TAKES = {"run": {"id": "r2", "kind": "deploy", "to": "v2-abc"}, "by": "you@there:22"}
pytestmark = pytest.mark.promise("C3", "C10")
# Holds a host as an agent does, until its input ends.
AGENT = f"""
import sys
from pathlib import Path
from delight.host import lease, main
held = lease.Lease(Path(sys.argv[1]))
held.take(main.holder("stage", {ASKED!r}))
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holding(
    root: Path, act: str, asked: dict[str, Any] = ASKED, leaving: bool = False
) -> Iterator[Lease]:
    """Hold a host as somebody who performs an act."""
    mine = Lease(root)
    mine.take(main.holder(act, asked) | ({"leaving": True} if leaving else {}))
    try:
        yield mine
    finally:
        mine.release()


def noted(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "lock").read_text())
    return found


def refusal(root: Path, act: str = "undo", wait_s: float = 0) -> str:
    """What an act is told that cannot have the host."""
    found = main.perform(act, {"root": str(root), "wait_s": wait_s, **ASKED})
    assert found["outcome"] == "busy"
    return str(found["reason"])


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], list[float]]:
    """Have something happen wherever somebody waits; how long it was each time."""

    def set_up(then: Callable[[], Any]) -> list[float]:
        waited: list[float] = []

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            then()

        monkeypatch.setattr(time, "sleep", sleep)
        return waited

    return set_up


# -- who holds it


@pytest.mark.parametrize("act", ["sweep", "lock", "undo"])
def test_a_run_that_goes_on_is_not_waited_for(tmp_path: Path, act: str, waits: Any) -> None:
    waited = waits(lambda: None)
    with holding(tmp_path, "stage"):
        assert refusal(tmp_path, act, wait_s=60) == (
            "deploy of v2-abc by me@here:7 is running (act stage, process "
            f"{os.getpid()} on this host, since {noted(tmp_path)['since']}); wait for it. "
            "If it must end, run recover.yml -e takeover=me@here:7"
        )
    assert not waited


def test_who_leaves_is_waited_for(tmp_path: Path, waits: Any) -> None:
    with holding(tmp_path, "stage", leaving=True) as other:
        waited = waits(other.release)
        mine = Lease(tmp_path)
        mine.take(main.holder("undo", ASKED), 60)
        assert waited == [lease.POLL_S]
        assert (noted(tmp_path)["act"], noted(tmp_path)["pid"]) == ("undo", os.getpid())
        mine.release()


def test_who_begins_to_leave_is_waited_for_from_then_on(tmp_path: Path, waits: Any) -> None:
    with holding(tmp_path, "stage") as other:
        assert "is running" in refusal(tmp_path, wait_s=60)
        other.say(leaving=True)
        waited = waits(other.release)
        assert Lease(tmp_path).other(60) is None
        assert len(waited) == 1


def test_who_leaves_and_does_not_is_named_with_the_way_out(tmp_path: Path) -> None:
    with holding(tmp_path, "stage", leaving=True):
        assert refusal(tmp_path) == (
            f"{tmp_path}/lock is held by act stage of deploy of v2-abc by me@here:7, process "
            f"{os.getpid()} on this host, since {noted(tmp_path)['since']}. Wait for it: each of its "
            f"commands has a bound. Or, on this host, `kill {os.getpid()}` ends the act itself; then "
            "run recover.yml"
        )


def test_an_act_of_the_timer_is_waited_for_and_named_too(tmp_path: Path, waits: Any) -> None:
    with holding(tmp_path, "sweep", {}) as other:
        assert f"held by act sweep, process {os.getpid()} on this host, since" in refusal(tmp_path)
        waited = waits(other.release)
        assert Lease(tmp_path).other(60) is None
        assert len(waited) == 1


@pytest.mark.parametrize("act", ["prepare", "migrate"])
def test_an_act_with_a_container_of_its_own_says_how_to_end_it(tmp_path: Path, act: str) -> None:
    with holding(tmp_path, act, leaving=True):
        said = refusal(tmp_path)
    assert f"by act {act} of " in said
    assert (
        "`docker rm -f $(docker ps -q --filter label=delight.slot=once --filter "
        f"label=delight.app={tmp_path.name})` ends the check or migration it waits for, `kill "
    ) in said


def test_who_ends_an_earlier_run_is_named_and_not_who_began_it(tmp_path: Path) -> None:
    with holding(tmp_path, "undo", {**ASKED, "by": "you@there:22", "recovered_by": "you@there:22"}):
        assert refusal(tmp_path).startswith("recover of v2-abc by you@there:22 is running")


@pytest.mark.parametrize("left", ["", "{", json.dumps({"pid": 2**22 + 1, "run": "r1"})])
def test_nobody_is_blamed_for_a_lock_that_says_nothing_true(tmp_path: Path, left: str) -> None:
    (tmp_path / "lock").write_text(left)
    with (tmp_path / "lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert refusal(tmp_path) == (
            f"{tmp_path}/lock is held by a process that does not say who it is; `lslocks` on this "
            "host shows its number"
        )
        assert Lease(tmp_path).other(0) == {"pid": 0, "by": "somebody unknown", "run": None}


def test_those_that_only_look_do_not_wait_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    with (tmp_path / "lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert Lease(tmp_path).other(0) is None
        assert "does not say who it is" in refusal(tmp_path)


def test_a_look_tells_who_holds_the_host_and_holds_nothing(solo: Fleet) -> None:
    host = solo.hosts["app1"]
    assert host.act("look")["held"] is None
    assert not (host.root / "lock").exists()
    with holding(host.root, "stage") as mine:
        assert host.act("look")["held"] == noted(host.root)
        assert host.act("look", mine)["held"] is None


# -- what it says, and for how long


def test_the_lock_is_free_and_says_nothing_when_its_holder_has_gone(tmp_path: Path) -> None:
    with holding(tmp_path, "stage"):
        pass
    assert (tmp_path / "lock").read_text() == ""
    with pytest.raises(ZeroDivisionError), holding(tmp_path, "stage"):
        _ = 1 / 0
    assert (tmp_path / "lock").read_text() == ""
    with holding(tmp_path, "undo"):
        assert noted(tmp_path)["act"] == "undo"


def test_what_is_said_later_joins_what_was_said(tmp_path: Path) -> None:
    with holding(tmp_path, "prepare") as mine:
        first = noted(tmp_path)
        mine.say(leaving=True)
        assert noted(tmp_path) == first | {"leaving": True}
        mine.say(act="undo", once=False)  # shorter than before
        assert noted(tmp_path) == first | {"leaving": True, "act": "undo", "once": False}
    mine.say(act="stage")
    assert (tmp_path / "lock").read_text() == "", "who holds nothing says nothing"


def test_a_host_is_held_from_act_to_act_of_one_lease(tmp_path: Path) -> None:
    mine, params = Lease(tmp_path), {"root": str(tmp_path), "wait_s": 0, **ASKED}
    assert main.perform("hold", params, mine)["outcome"] == "ok"
    since = noted(tmp_path)["since"]
    assert main.perform("sweep", params, mine)["outcome"] == "ok"
    assert mine.held
    assert (noted(tmp_path)["act"], noted(tmp_path)["since"]) == ("sweep", since)
    assert "is running" in refusal(tmp_path)
    mine.release()
    assert main.perform("hold", params)["outcome"] == "ok"
    assert Lease(tmp_path).other(0) is None, "without a lease of its own it is held for that act"


def test_an_act_that_fails_lets_its_host_go(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{")
    found = main.perform("sweep", {"root": str(tmp_path)})
    assert found["outcome"] == "failed"
    assert (tmp_path / "lock").read_text() == ""
    assert Lease(tmp_path).other(0) is None


# -- who must go


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the host."""
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", AGENT, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def evict(root: Path, holder: dict[str, Any], mine: Lease) -> dict[str, Any]:
    params = {"root": str(root), **TAKES, "holder": holder, "takeover": ME}
    return main.perform("evict", params, mine)


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[Lease]:
    """The lease of whoever takes over."""
    found = Lease(tmp_path)
    yield found
    found.release()


def test_the_process_that_was_named_is_ended_and_its_host_held(
    tmp_path: Path, agent: subprocess.Popen[str], mine: Lease
) -> None:
    holder = mine.other(0)
    assert holder and (holder["pid"], holder["by"]) == (agent.pid, ME)
    found = evict(tmp_path, holder, mine)
    assert (found["outcome"], found["message"]) == ("ok", f"ended process {agent.pid} of {ME}")
    assert agent.wait() == -9
    assert mine.held
    assert refusal(tmp_path).startswith("recover of v2-abc by you@there:22 is running (act evict")
    [line] = (tmp_path / "journal.jsonl").read_text().splitlines()
    assert (json.loads(line)["act"], json.loads(line)["takeover"]) == ("evict", ME)


@pytest.mark.parametrize("other", [{"pid": 1}, {"since": "another time"}])
def test_a_process_that_was_not_named_is_left_alone(
    tmp_path: Path, agent: subprocess.Popen[str], mine: Lease, other: dict[str, Any]
) -> None:
    found = evict(tmp_path, {**noted(tmp_path), "by": "they@there:1", **other}, mine)
    assert found["outcome"] == "busy"
    assert found["reason"] == f"{ME} holds this host now, not they@there:1"
    assert not mine.held
    assert agent.poll() is None


def test_nobody_is_ended_where_nobody_says_who_it_is(
    tmp_path: Path, mine: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr(command, "kill_tree", killed.append)
    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        holder = mine.other(0)
        assert holder is not None
        assert evict(tmp_path, holder, mine)["outcome"] == "busy"
    assert killed == []


def test_who_is_gone_already_need_not_be_ended(
    tmp_path: Path, agent: subprocess.Popen[str], mine: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = noted(tmp_path)
    agent.kill()
    agent.wait()
    killed: list[int] = []
    monkeypatch.setattr(command, "kill_tree", killed.append)
    found = evict(tmp_path, holder, mine)
    assert (found["outcome"], found["message"], killed) == ("ok", "it was gone already", [])


def test_a_holder_that_was_killed_and_stays_is_not_waited_for_for_ever(
    tmp_path: Path, mine: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "kill_tree", lambda pid: None)
    monkeypatch.setattr(lease, "GONE_S", 0)
    with holding(tmp_path, "stage"):
        found = evict(tmp_path, noted(tmp_path), mine)
    assert found["outcome"] == "busy"
    assert found["reason"].startswith("deploy of v2-abc by me@here:7 is running (act stage")
    assert not mine.held


def test_who_is_refused_keeps_nothing_open(tmp_path: Path) -> None:
    def opened() -> int:
        fds = Path("/proc/self/fd").iterdir()
        return sum(os.path.realpath(fd) == os.path.realpath(tmp_path / "lock") for fd in fds)

    with holding(tmp_path, "stage"):
        mine = Lease(tmp_path)
        with pytest.raises(store.Refused):
            mine.take(main.holder("undo", ASKED), 0)
        assert mine.other(0)
        assert opened() == 1
        assert not mine.held
