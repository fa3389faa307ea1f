"""Hosts of one environment, and operators who run things on them: the real sequence, the real acts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from delight import conductor, controller
from delight.decide import EXIT_STATUS
from delight.release import digest

from tests.simulation.faults import Death
from tests.simulation.host import Host
from tests.unit.engine.conftest import API, KEY, SECRETS

ROOT = Path(__file__).resolve().parents[2]
# The gate of these services passes at its first good answer.
QUICK = {"successes": 1, "interval": "1ms", "steady": "0ms", "timeout": "1s"}
SERVICES: dict[str, Any] = {"api": {**API, "health": QUICK, "warm": "1h"}}
WEB = {**SERVICES["api"], "image": "registry.test/web", "routes": [{"path": "/"}], "port": 3000}
WORK = {"image": "registry.test/work", "overlap": False, "health": QUICK}
Hook = Callable[[str, str], None]


class Gone(BaseException):
    """The controller is gone, with its run open."""


@dataclass
class Ended:
    """How a run ended."""

    result: dict[str, Any]
    acts: Mapping[str, Mapping[str, Mapping[str, Any]]]

    @property
    def outcome(self) -> str:
        return str(self.result["outcome"])

    @property
    def status(self) -> int:
        return EXIT_STATUS[self.outcome]


@dataclass
class Fleet:
    """`hosts` by name; `alive` numbers the controllers that still run."""

    hosts: dict[str, Host]
    services: dict[str, Any] = field(default_factory=lambda: SERVICES)
    alive: set[int] = field(default_factory=set)
    operators: int = 0
    seen: list[str] = field(default_factory=list)  # moments at which a request could have failed

    def deploy(self, version: str, **said: Any) -> Ended:
        return self.run("deploy", version=version, **said)

    def run(
        self, kind: str, before: Hook | None = None, limit: set[str] | None = None, **said: Any
    ) -> Ended:
        """One run of an operator on a machine that is seen; `before` sees (act, host) and may raise."""
        self.operators += 1
        number = self.operators
        self.alive.add(number)
        asking = Asking(self, before or (lambda act, host: None), limit)
        run = conductor.Run(kind, asking, configured(self.services, list(self.hosts), said))
        result = conductor.perform(run)
        self.alive.discard(number)
        return Ended(result, run.acts)


def configured(
    services: Mapping[str, Any], hosts: list[str], said: Mapping[str, Any]
) -> Callable[[str], Any]:
    """What the variables of a run resolve to; `said` stands for `-e`, images are named by version."""
    version = str(said.get("version", ""))
    variables = {
        **defaults(),
        "release_root": "",
        "app_subnet": "10.89.0.0/16",
        "database_max_connections": 0,
        "release_disk_free": 0,
        "release_memory_margin": 0,
        "release_inodes_free": 0,
        "services": services,
        "secrets": SECRETS,
        "release_hmac_key": KEY,
        "env_name": "test",
        "registry_password": "",
        "registry_ca": "",
        "groups": {"app": sorted(hosts)},
        "images": {name: f"sha256:{digest(version)}" for name in services},
        **said,
    }
    return variables.__getitem__


@dataclass
class Asking:
    """How one run reaches the hosts: one after the other, so that a history can be told again."""

    fleet: Fleet
    before: Hook
    limit: set[str] | None = None

    @property
    def everyone(self) -> list[str]:
        return sorted(self.fleet.hosts)

    @property
    def chosen(self) -> list[str]:
        return sorted(self.fleet.hosts.keys() & (self.limit or self.fleet.hosts.keys()))

    def stop(self) -> str:
        return ""

    def ask(self, act: str, told: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return {host: self._one(act, host, params) for host, params in told.items()}

    def _one(self, act: str, host: str, params: dict[str, Any]) -> dict[str, Any]:
        self.before(act, host)
        root = {"root": str(self.fleet.hosts[host].root)}
        try:
            return self.fleet.hosts[host].act(act, **(params | root))
        except Death:
            return {"outcome": "failed", "reason": f"{act} gave no outcome"}


def operators(fleet: Fleet, monkeypatch: Any) -> None:
    """Have runs ask the fleet who their controller is, and which of them live."""

    def me() -> dict[str, Any]:
        return {"name": "desk", "pid": fleet.operators, "born": "1", "boot": "b", "pids": "p"}

    monkeypatch.setattr(controller, "me", me)
    monkeypatch.setattr(controller, "lives", lambda by: by["pid"] in fleet.alive)


@cache
def defaults() -> dict[str, Any]:
    """The settings of a run as the project has them."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "group_vars/all/rollout.yml").read_text())
    return found
