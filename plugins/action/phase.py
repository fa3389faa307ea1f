"""Have the conductor go through a phase of the release, once for the whole fleet.

The first phase brings what the conductor needs and cannot resolve itself: the run's variables, and how each
host is reached. A phase fails in Ansible's sense only where nothing is locked: before the plan, or as the last
one. What a phase says is shown while it goes on.
"""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import errors, inputs, link
from delight.errors import ConfigError

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """`phase: {name: stage}`; `release_kind` says what the run is."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset({"name"})

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        chosen = variables["ansible_play_hosts_all"]
        dropped = sorted(map(str, set(chosen) - set(variables["ansible_play_hosts"])))
        said: dict[str, Any] = {
            # Plain, as all that is sent: with its marks comes the half of Ansible that reads them.
            "phase": str(self._task.args["name"]),
            "failed": {host: "a task before this phase failed there" for host in dropped},
        }
        playbook = os.getppid()
        link.begin(playbook)
        answer: dict[str, Any] = {}
        if said["phase"] not in inputs.FIRST:
            answer = link.speak(playbook, "phase", said, show)
        if not answer or "inputs" in answer:
            try:
                said["inputs"] = self._inputs(variables, sorted(map(str, chosen)))
            except ConfigError as error:
                return result | {"failed": True, "outcome": "refused", "msg": str(error)}
            answer = link.speak(playbook, "phase", said, show)
        return result | {"changed": False} | answer

    def _inputs(self, variables: dict[str, Any], chosen: list[str]) -> dict[str, Any]:
        """What the conductor has to know of the environment and of this run: variables, ways to hosts."""
        from delight import connection

        hostvars, everyone = variables["hostvars"], sorted(map(str, variables["groups"]["app"]))
        same_everywhere(hostvars, everyone, inputs.NAMES)
        values, mistakes = {}, []
        for name in inputs.NAMES:
            try:
                values[name] = plain(self._templar.resolve_variable_expression(name))
            except AnsibleError as error:
                mistakes.append(f"{name}: {errors.cause(error)}")
        if mistakes:
            raise ConfigError(mistakes)
        connections = {
            host: connection.of(host, hostvars[host], self._task, self._play_context)
            for host in everyone
        }
        return {
            "kind": str(self._templar.resolve_variable_expression("release_kind")),
            "check_mode": bool(self._task.check_mode),
            "values": values,
            "connections": connections,
            "chosen": chosen,
            "forks": int(context.CLIARGS["forks"]),
        }


def same_everywhere(hostvars: Any, hosts: list[str], names: Sequence[str]) -> None:
    """Refuse what one host has otherwise than the others: a fleet has one configuration."""
    first, *others = hosts
    wanted = hostvars.raw_get(first)
    mistakes: dict[str, str] = {}
    for host in others:
        found = hostvars.raw_get(host)
        for name in names:
            if found.get(name) != wanted.get(name):
                mistakes.setdefault(
                    name,
                    f"{name}: is another one on {host} than on {first}; a fleet has one configuration: "
                    "set it for the group `app`, or for the environment",
                )
    if mistakes:
        raise ConfigError(list(mistakes.values()))


def plain(value: Any) -> Any:
    """A value without Ansible's marks, as another process can take it."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    for kind in (str, bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, datetime.datetime):
        return datetime.datetime.fromisoformat(value.isoformat())
    if isinstance(value, datetime.date):
        return datetime.date(value.year, value.month, value.day)
    return value


def show(line: str, colour: str) -> None:
    """A line on the operator's screen."""
    display.display(line, color=colour or None)
