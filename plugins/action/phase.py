"""Have the conductor go through a phase of the release, once for the whole fleet.

The first phase brings what the conductor needs and cannot resolve itself: the run's variables, and how each
host is reached. A phase fails in Ansible's sense only where nothing is locked: before the plan, or as the last
one. What a phase says is shown while it goes on.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import events, inputs, link, report
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
            answer = link.speak(playbook, "phase", said, printer())
        if not answer or "inputs" in answer:
            try:
                said["inputs"] = self._inputs(variables, sorted(map(str, chosen)))
            except ConfigError as error:
                return result | report.refused(error.mistakes)
            answer = link.speak(playbook, "phase", said, printer())
        return result | {"changed": False} | answer

    def _inputs(self, variables: dict[str, Any], chosen: list[str]) -> dict[str, Any]:
        """What the conductor has to know of the environment and of this run: variables, ways to hosts."""
        from delight import connection, resolve

        hostvars, everyone = variables["hostvars"], sorted(map(str, variables["groups"]["app"]))
        values = resolve.variables(self._templar, variables)
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


def printer() -> events.Tell:
    """What shows an event on the operator's screen, in the form that callback `outcome` is told."""
    form = constants.config.get_config_value(
        "output", plugin_type="callback", plugin_name="outcome"
    )
    return lambda event: events.show(event, form, display.display)
