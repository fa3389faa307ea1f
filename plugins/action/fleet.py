"""Decisions for the whole fleet, taken once on the controller: check, recovery, plan, verdicts, report.

Runs once whatever the number of hosts, opens no connection, and its result is registered with the
play's first host. `check` and `plan` fail in Ansible's sense before anything is touched, `report` as
the last task of a run; a verdict that breaks off counts as a no.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import blame, fleet
from delight.schema import ConfigError
from delight.view import View

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """`fleet: {decide: plan, kind: deploy}`."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset({"decide", "kind"})

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        args = self._task.args

        def value(variable: str) -> Any:
            try:
                return self._templar.resolve_variable_expression(variable)
            except AnsibleError as error:
                raise ConfigError([f"{variable}: {blame.cause(error)}"]) from error

        decide = fleet.DECISIONS[args["decide"]]
        try:
            decided = decide(View(variables), value, args["kind"], bool(self._task.check_mode))
        except ConfigError as error:
            decided = {"failed": True, "outcome": "refused", "msg": str(error)}
        for line in decided.pop("show", []):
            display.display(line)
        return result | {"changed": False} | decided
