"""One act at a time on a host; who waits is told for whom, since when, and the way out."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from delight.host import main, store

RUN = {
    "id": "r1",
    "kind": "deploy",
    "to": "v2-abc",
    "by": {"name": "me@here", "pid": 7},
}
pytestmark = pytest.mark.promise("C3", "C10")


@contextmanager
def holding(root: Path, act: str, run: dict[str, Any] | None = RUN) -> Iterator[None]:
    with store.Store(root).locked(0, main.holding(act, {"run": run} if run else {})):
        yield


def refusal(root: Path, act: str = "look") -> str:
    found = main.perform(act, {"root": str(root), "lock_wait_s": 0})
    assert found["outcome"] == "busy"
    return str(found["reason"])


@pytest.mark.parametrize("act", ["look", "sweep", "undo"])
def test_who_waits_in_vain_is_told_who_holds_the_lock(tmp_path: Path, act: str) -> None:
    with holding(tmp_path, "stage"):
        since = json.loads((tmp_path / "lock").read_text())["since"]
        assert refusal(tmp_path, act) == (
            f"{tmp_path}/lock has been held for 0 s by act stage of deploy of v2-abc by me@here:7, "
            f"process {os.getpid()} on this host, since {since}. Wait for it: each of its commands has "
            f"a bound. Or, on this host, `kill {os.getpid()}` ends the act itself; then run recover.yml"
        )


@pytest.mark.parametrize("act", ["prepare", "migrate"])
def test_an_act_with_a_container_of_its_own_says_how_to_end_it(tmp_path: Path, act: str) -> None:
    with holding(tmp_path, act):
        said = refusal(tmp_path)
    assert f"by act {act} of " in said
    assert (
        "`docker rm -f $(docker ps -q --filter label=delight.slot=once)` ends the check or migration "
        "it waits for, `kill "
    ) in said


def test_an_act_without_a_run_is_named_too(tmp_path: Path) -> None:
    with holding(tmp_path, "sweep", None):
        assert f"by act sweep, process {os.getpid()} on this host" in refusal(tmp_path)


def test_the_lock_is_free_and_says_nothing_when_its_act_has_ended(tmp_path: Path) -> None:
    with holding(tmp_path, "stage"):
        pass
    assert (tmp_path / "lock").read_text() == ""
    with pytest.raises(ZeroDivisionError), holding(tmp_path, "stage"):
        _ = 1 / 0
    assert (tmp_path / "lock").read_text() == ""
    with holding(tmp_path, "undo"):
        assert json.loads((tmp_path / "lock").read_text())["act"] == "undo"


@pytest.mark.parametrize("left", ["", "{", json.dumps({"pid": 2**22 + 1, "act": "stage"})])
def test_nobody_is_blamed_for_a_lock_that_says_nothing_true(tmp_path: Path, left: str) -> None:
    (tmp_path / "lock").write_text(left)
    with (tmp_path / "lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert refusal(tmp_path) == (
            f"{tmp_path}/lock has been held for 0 s by a process that does not say who it is; "
            "`lslocks` on this host shows its number"
        )


def test_those_that_only_look_do_not_wait_for_each_other(tmp_path: Path) -> None:
    at = store.Store(tmp_path)
    with at.locked(0), at.locked(0):
        assert refusal(tmp_path, "stage").startswith(f"{tmp_path}/lock has been held")


def test_who_waits_goes_on_when_the_lock_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        monkeypatch.setattr(time, "sleep", lambda seconds: other.close())
        with store.Store(tmp_path).locked(60, {"act": "stage"}):
            assert json.loads((tmp_path / "lock").read_text())["act"] == "stage"
