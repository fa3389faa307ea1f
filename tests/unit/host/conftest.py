"""Hosts in memory for the acts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from delight.host import docker, gate

from tests.simulation.fleet import Fleet, operators
from tests.simulation.host import Host, install


@pytest.fixture
def solo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """One host where nothing is released yet."""
    install(monkeypatch)
    fleet = Fleet({"app1": Host(tmp_path / "app1")})
    operators(fleet, monkeypatch)
    return fleet


@pytest.fixture
def lives(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what Docker says of the container, look by look; the last again and again."""

    def say(*deaths: str) -> None:
        waiting = list(deaths)
        monkeypatch.setattr(
            docker, "death", lambda *args: waiting.pop(0) if len(waiting) > 1 else waiting[0]
        )

    monkeypatch.setattr(gate, "WATCH_S", 0)
    say("")
    return say
