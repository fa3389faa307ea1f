"""Whether another run's controller still lives: only one that is seen to be gone does not."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from delight import controller


def by(**other: Any) -> dict[str, Any]:
    """This test's own parent as the owner of a run, or another."""
    return controller.me() | other


def gone() -> dict[str, Any]:
    """The owner that a process was which has ended since."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = by(pid=process.pid, born=controller.born(process.pid))
    assert controller.lives(owner)
    process.communicate(b"\n")
    return owner


def test_one_that_runs_here_lives() -> None:
    assert controller.lives(by())


def test_one_that_has_ended_here_does_not() -> None:
    assert not controller.lives(gone())


def test_another_process_with_its_number_is_not_it() -> None:
    assert not controller.lives(by(pid=os.getpid(), born="1"))


def test_a_zombie_has_ended() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = by(pid=process.pid, born=controller.born(process.pid))
    assert process.stdin
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, nobody has asked
    assert not controller.lives(owner)
    process.wait()


@pytest.mark.promise("C9")
@pytest.mark.parametrize(
    "where",
    [
        {"boot": "of another machine"},
        {"pids": "pid:[1]"},  # a container of this machine
        {"boot": ""},  # a machine that tells none
        {"boot": "of another machine", "pid": 1, "born": "1"},
        {"born": ""},
    ],
)
def test_one_that_cannot_be_seen_from_here_may_live(where: dict[str, Any]) -> None:
    assert controller.lives(gone() | where)


def test_one_that_an_older_engine_recorded_may_live() -> None:
    owner = {"name": "me@here", "node": "here", "pid": 1, "born": "1"}
    assert controller.lives(owner)


def test_the_name_of_the_machine_proves_nothing() -> None:
    assert controller.lives(by(name="root@other"))
    assert not controller.lives(gone() | {"name": "root@other"})


def test_one_that_the_kernel_hides_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, number: int) -> None:
        raise PermissionError

    owner = gone()
    monkeypatch.setattr(os, "kill", kill)
    assert controller.lives(owner)
