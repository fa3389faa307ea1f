"""A run that is broken at any boundary leaves what serves serving, and the next run converges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.breaking import Act, failures, told
from tests.simulation.fleet import SERVICES, WEB, WORK, Fleet

pytestmark = pytest.mark.promise("R2", "R7")
API = SERVICES["api"]
# {name: (what is deployed first, what then)}
SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another version": ({"api": API}, {"api": API}),
    "a service joins": ({"api": API}, {"api": API, "web": WEB}),
    "a service ends": ({"api": API, "web": WEB}, {"api": API}),
    "a worker moves": ({"api": API, "work": WORK}, {"api": API, "work": WORK}),
    "nothing stays warm": ({"api": {**API, "warm": "0s"}}, {"api": {**API, "warm": "0s"}}),
}
# What an operator does next.
NEXT: dict[str, Act] = {
    "the same": lambda fleet: fleet.deploy("v2"),
    "another": lambda fleet: fleet.deploy("v3"),
    "recover": lambda fleet: fleet.run("recover"),
}


def check(
    fleet: Fleet, act: Act, tmp_path: Path, every: bool, after: dict[str, Act] = NEXT
) -> None:
    found = list(failures(fleet, act, after, tmp_path / "broken", every))
    assert not found, told(found)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_deploy(make: Callable[..., Fleet], tmp_path: Path, shape: str, every: bool) -> None:
    first, then = SHAPES[shape]
    fleet = make("app1", "app2")
    fleet.services = first
    assert fleet.deploy("v1").outcome == "released"
    fleet.services = then
    check(fleet, lambda f: f.deploy("v2"), tmp_path, every)


@pytest.mark.parametrize("kept", ["warm", "stopped"])
def test_a_rollback(make: Callable[..., Fleet], tmp_path: Path, kept: str, every: bool) -> None:
    fleet = make("app1", "app2")
    warm = "1h" if kept == "warm" else "0s"
    fleet.services = {"api": {**API, "warm": warm}}
    for version in ("v1", "v2"):
        assert fleet.deploy(version).outcome == "released"
    check(fleet, lambda f: f.run("rollback"), tmp_path, every)


@pytest.mark.parametrize("bad", ["exits", "never well"])
def test_a_gate_that_fails(
    make: Callable[..., Fleet], tmp_path: Path, bad: str, every: bool
) -> None:
    fleet = make("app1", "app2")
    assert fleet.deploy("v1").outcome == "released"
    if bad == "exits":
        fleet.hosts["app2"].engine.program = exits("v2")
    else:
        fleet.hosts["app2"].sick = {"v2"}
    after = {then: follow for then, follow in NEXT.items() if then != "the same"}
    check(fleet, lambda f: f.deploy("v2"), tmp_path, every, after)


def exits(version: str) -> Callable[[dict[str, Any]], str]:
    """A program that exits at once in releases of a version."""
    return lambda one: "exits" if one["mine"]["release"].startswith(f"{version}-") else "healthy"
