"""Hosts in memory for the acts."""

from __future__ import annotations

from pathlib import Path

import pytest
from delight import controller

from .fleet import Fleet
from .world import Host, install


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Two hosts where nothing is released yet."""
    install(monkeypatch)
    return Fleet({name: Host(tmp_path / name) for name in ("app1", "app2")})


@pytest.fixture
def solo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """One host where nothing is released yet."""
    install(monkeypatch)
    return Fleet({"app1": Host(tmp_path / "app1")})


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """The controllers of all open runs have died, which is seen here."""
    monkeypatch.setattr(controller, "lives", lambda by: False)
