"""An error of our own at any line of the controller: it is never a release, and the next run converges."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from delight import planning

from tests.simulation import invariants
from tests.simulation.breaking import converges, copied, first_lines, truthful, watch
from tests.simulation.fleet import SERVICES, WORK, Ended, Fleet

# The modules that decide; a line of `Run.phase` itself is what catches the others' errors.
MODULES = {"conductor.py", "planning.py", "params.py", "decide.py", "plan.py", "preflight.py"}
CATCHES = {"phase", "perform"}
STEP, STEP_ALL = 61, 5  # primes, so that they fall on other lines of each loop


class Ours(Exception):
    """An error that nobody foresaw."""


class Lines:
    """Counts the lines of MODULES that are run, and raises at line `at`."""

    def __init__(self, at: int = -1) -> None:
        self.count, self.at, self.place = 0, at, ""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        mine = Path(code.co_filename).parent.name == "delight"
        if not mine or Path(code.co_filename).name not in MODULES or code.co_name in CATCHES:
            return None
        if event == "line":
            at, self.count = self.count, self.count + 1
            if at == self.at:
                self.place = f"{Path(code.co_filename).name}:{frame.f_lineno}"
                raise Ours
        return self


def traced(fleet: Fleet, lines: Lines) -> Ended | None:
    """A deploy in which an error is raised; None where it is the report that broke."""
    before = sys.gettrace()
    sys.settrace(lines)
    try:
        return fleet.deploy("v2")
    except Ours:
        return None
    finally:
        sys.settrace(before)


@pytest.mark.promise("R2", "R8")
def test_an_error_at_any_line(make: Callable[..., Fleet], tmp_path: Path, every: bool) -> None:
    fleet = make("app1", "app2")
    fleet.services = {**SERVICES, "work": WORK}
    assert fleet.deploy("v1").outcome == "released"
    [before] = invariants.releases(fleet.hosts)
    dry = Lines()
    traced(copied(fleet, tmp_path / "dry"), dry)
    assert dry.count > 500, "the lines are seen"
    wrong = []
    for at in range(0, dry.count, STEP_ALL if every else STEP):
        found, lines = copied(fleet, tmp_path / str(at)), Lines(at)
        watch(found)
        ended = traced(found, lines)
        try:
            assert not found.seen, found.seen[0]
            if ended is not None:
                assert ended.outcome not in ("unchanged", "refused"), ended.outcome
                truthful(found, ended, before)
            converges(found, lambda f: f.deploy("v3"))
        except AssertionError as error:
            wrong.append(f"{lines.place}: {ended and ended.outcome}: {first_lines(error)}")
    assert not wrong, "\n".join(wrong)


def test_an_error_before_the_plan_keeps_the_fleet_from_going_on(
    make: Callable[..., Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = make("app1", "app2")
    first = fleet.deploy("v1").result["to"]

    def breaks(*args: Any) -> None:
        raise KeyError("nobody foresaw it")

    monkeypatch.setattr(planning, "recovery", breaks)
    for kind in ("deploy", "recover"):
        ended = fleet.run(kind, version="v2")
        assert (ended.status, set(ended.acts)) == (22, set())
        assert "phase recover: KeyError in test_errors.py" in ended.text
    invariants.at_rest(fleet.hosts, first)
