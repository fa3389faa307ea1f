"""Hosts of one environment, and operators who run things on them: the real sequence, the real acts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from delight import conductor, config, controller, events, report
from delight.decide import EXIT_STATUS
from delight.host.lease import Lease
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
BLUE, GREEN = ({"*/api/": slot, "@api.internal": slot} for slot in ("api-blue", "api-green"))
# Sees (act, host); what it returns stands in for the outcome, and it may raise.
Hook = Callable[[str, str], dict[str, Any] | None]


class Gone(BaseException):
    """The controller is gone, with its run open."""


@dataclass
class Ended:
    """How a run ended."""

    result: dict[str, Any]
    acts: Mapping[str, Mapping[str, Mapping[str, Any]]]
    said: list[str]

    @property
    def text(self) -> str:
        """What the operator reads in the end."""
        return report.summary(self.result)

    @property
    def outcome(self) -> str:
        return str(self.result["outcome"])

    @property
    def status(self) -> int:
        return EXIT_STATUS[self.outcome]


@dataclass
class Fleet:
    """`hosts` by name; `sessions` are the runs that go on, by the number of their operator."""

    hosts: dict[str, Host]
    services: dict[str, Any] = field(default_factory=lambda: SERVICES)
    operator: int = 0  # who is at work; a run within a run is somebody else's
    operators: int = 0
    seen: list[str] = field(default_factory=list)  # moments at which a request could have failed
    sessions: dict[int, Asking] = field(default_factory=dict)

    def deploy(self, version: str, **said: Any) -> Ended:
        return self.run("deploy", version=version, **said)

    def run(
        self, kind: str, before: Hook | None = None, limit: set[str] | None = None, **said: Any
    ) -> Ended:
        """One run of an operator, with `-e` in `said`; `before` sees every act before it begins."""
        before_it = self.operator
        self.operators += 1
        self.operator = self.operators
        asking = Asking(self, before or (lambda act, host: None), limit)
        self.sessions[self.operator] = asking
        value = configured(self.services, list(self.hosts), said)
        try:
            if kind not in ("recover", "status"):
                config.check(value)
            run = conductor.Run(kind, asking, value)
            result = conductor.perform(run)
        finally:
            asking.end()
            del self.sessions[self.operator]
            self.operator = before_it
        return Ended({**result, "hosts": asking.chosen}, run.acts, asking.said)


def configured(
    services: Mapping[str, Any], hosts: list[str], said: Mapping[str, Any]
) -> Callable[[str], Any]:
    """What the variables of a run resolve to; `said` stands for `-e`, images are named by version."""
    version = str(said.get("version", ""))
    variables = {
        **defaults(),
        "release_root": "/srv/delight",
        "app_subnet": "10.89.0.0/16",
        "database_max_connections": 0,
        "release_disk_free": 0,
        "release_memory_margin": 0,
        "release_inodes_free": 0,
        "release_https": False,
        "services": services,
        "secrets": SECRETS,
        "compromised_secrets": {},
        "astray": [],
        "release_hmac_key": KEY,
        "env_name": "test",
        "app_source": "",
        "registry": "registry.test",
        "registry_username": "",
        "registry_password": "",
        "registries": {},
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
    leases: dict[str, Lease] = field(default_factory=dict)
    unheard: list[Lease] = field(
        default_factory=list
    )  # of agents that do not know that nobody hears
    said: list[str] = field(default_factory=list)
    stopped: str = ""
    tell: events.Tell = field(init=False)

    def __post_init__(self) -> None:
        """No time passes here."""
        self.tell = events.Teller(self._read, clock=lambda: 0.0).tell

    @property
    def everyone(self) -> list[str]:
        return sorted(self.fleet.hosts)

    @property
    def chosen(self) -> list[str]:
        return sorted(self.fleet.hosts.keys() & (self.limit or self.fleet.hosts.keys()))

    def stop(self) -> str:
        return self.stopped

    def _read(self, event: events.Event) -> None:
        self.said += [line for line, _ in events.text(event)]

    def ask(self, act: str, params: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return {host: self._one(act, host, mine) for host, mine in params.items()}

    def _one(self, act: str, host: str, params: dict[str, Any]) -> dict[str, Any]:
        answer = self.before(act, host)
        if answer is not None:
            return answer
        found = self.fleet.hosts[host]
        lease = self.leases.setdefault(host, Lease(found.root))
        try:
            outcome = found.act(act, lease, **(params | {"root": str(found.root)}))
        except Death:
            self.leases.pop(host).release()
            return {"outcome": "failed", "reason": f"{act} gave no outcome"}
        if not found.link:
            return outcome
        # The agent has done what it was asked for and is not heard; another one is started next time.
        if found.link == "cut":
            self.leases.pop(host).release()
        else:
            self.unheard.append(self.leases.pop(host))
        found.link = ""
        return {"outcome": "failed", "reason": f"{act} gave no outcome"}

    def end(self) -> None:
        """The conversations end, with the run or with its conductor."""
        for lease in [*self.leases.values(), *self.unheard]:
            lease.release()


def operators(fleet: Fleet, monkeypatch: Any) -> None:
    """Have runs ask the fleet who their conductor is."""
    monkeypatch.setattr(controller, "me", lambda: {"name": "desk", "pid": fleet.operator})


@cache
def defaults() -> dict[str, Any]:
    """The settings of a run as the project has them."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "group_vars/all/release.yml").read_text())
    return found
