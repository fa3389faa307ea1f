"""Fleets of hosts in folders."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.simulation.fleet import Fleet, operators
from tests.simulation.host import Host, install

MEMORY = Path("/dev/shm")  # noqa: S108 (folders of one test are made in it by name)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is room: nothing in it has to outlive the test."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fleet]:
    """`make("app1", "app2")`: hosts where nothing is released yet."""
    install(monkeypatch)

    def made(*names: str) -> Fleet:
        fleet = Fleet({name: Host(tmp_path / "first" / name) for name in names})
        operators(fleet, monkeypatch)
        return fleet

    return made


@pytest.fixture
def served(make: Callable[..., Fleet]) -> Fleet:
    """Two hosts that serve v1 from blue and keep nothing else."""
    fleet = make("app1", "app2")
    assert fleet.deploy("v1").outcome == "released"
    return fleet


@pytest.fixture
def solo(make: Callable[..., Fleet]) -> Fleet:
    """One host where nothing is released yet."""
    return make("app1")


@pytest.fixture
def every() -> bool:
    """Whether all that can be done next is tried at each place, and not one in turn."""
    return bool(os.environ.get("SIMULATE_ALL"))
