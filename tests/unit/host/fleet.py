"""A run over hosts in memory: the role's own task files, the real decisions, the real acts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from delight import acts, fleet
from delight.view import View

from tests.simulation.fleet import SERVICES, configured
from tests.simulation.host import Host

ROOT = Path(__file__).resolve().parents[3]
TASKS = ROOT / "roles/rollout/tasks"
Hook = Callable[[str, str], dict[str, Any] | None]


class Vars(dict[str, Any]):
    """Variables of all hosts, as far as a View reads them."""

    def raw_get(self, host: str) -> Any:
        return self[host]


class Fleet:
    """Hosts of one environment, and what an operator says of a run."""

    def __init__(self, hosts: dict[str, Host], services: dict[str, Any] | None = None) -> None:
        self.hosts = hosts
        self.services = services or SERVICES
        self.lost: set[tuple[str, str]] = set()  # (host, act) that gives no outcome

    def deploy(self, version: str, **said: Any) -> dict[str, Any]:
        return self.run("deploy", "main", version=version, **said)

    def run(self, kind: str, tasks: str, before: Hook | None = None, **said: Any) -> dict[str, Any]:
        """The last word of a run; `before` (host, act) may answer in place of an act."""
        registered: dict[str, dict[str, Any]] = {host: {} for host in self.hosts}
        value = self._value(said)
        last: dict[str, Any] = {}
        for task in listed(tasks):
            if task.get("ansible.builtin.meta") == "end_play":
                if not last["go_on"]:
                    break
            elif decided := task.get("fleet"):
                last = fleet.DECISIONS[decided["decide"]](
                    self.view(min(self.hosts), registered), value, kind, False
                )
                if "register" in task:
                    registered[min(self.hosts)][task["register"]] = last
            else:
                self._act(task, registered, value, before)
        return last | {"registered": registered}

    def _act(
        self, task: dict[str, Any], registered: dict[str, Any], value: Any, before: Hook | None
    ) -> None:
        name = task["act"]["name"]
        answers = {}
        for host in self.hosts:
            view = self.view(host, registered)
            if not view.permits(name):
                answers[host] = {"skipped": True, "outcome": "skipped"}
            else:
                answer = before(host, name) if before else None
                answers[host] = self._perform(host, name, view, value) if answer is None else answer
        for host, answer in answers.items():
            registered[host][task["register"]] = answer

    def _perform(self, host: str, name: str, view: View, value: Any) -> dict[str, Any]:
        params = acts.params(name, view, value) | {"root": str(self.hosts[host].root)}
        if name != "mend":
            return self.hosts[host].act(name, **params)
        did = self.hosts[host].act(view.decision("recovery")["do_act"], **params)
        return did | {"look": self.hosts[host].act("look")}

    def view(self, host: str, registered: dict[str, Any]) -> View:
        return View(
            {
                "hostvars": Vars(registered),
                "ansible_play_hosts_all": sorted(self.hosts),
                "inventory_hostname": host,
            }
        )

    def _value(self, said: dict[str, Any]) -> Callable[[str], Any]:
        return configured(self.services, list(self.hosts), said)


@cache
def listed(name: str) -> list[dict[str, Any]]:
    """The tasks of a file of the role, those that it imports included."""
    found: list[dict[str, Any]] = []
    for task in yaml.safe_load((TASKS / f"{name}.yml").read_text()):
        imported = task.get("ansible.builtin.import_tasks")
        found += listed(imported.removesuffix(".yml")) if imported else [task]
    return found
