"""Fleets of hosts in folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation.fleet import Fleet, operators
from tests.simulation.host import Host, install


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
def every() -> bool:
    """Whether all that can be done next is tried at each place, and not one in turn."""
    return bool(os.environ.get("SIMULATE_ALL"))
