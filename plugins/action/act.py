"""Run one act of a release on a host and register its outcome; errors are data, never failures.

What ends outside of this file (a connection that can't be set up, ANSIBLE_TASK_TIMEOUT) registers no
outcome: the view counts it as a failure, and the tasks ignore Ansible's own, so that no host drops out.

The act's code goes to `python3 -` on the host over the open connection: nothing is installed there,
nothing of it stands in a process list, and it costs a fraction of a module.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import acts, blame, bundle
from delight.view import View

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    """`act: {name: stage}`."""

    _requires_connection = True
    _supports_check_mode = True
    _VALID_ARGS = frozenset({"name"})

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        name = self._task.args["name"]
        try:
            view = View(variables)
            if not view.permits(name) or (self._task.check_mode and name != "look"):
                return result | {"skipped": True, "outcome": "skipped"}
            outcome = self._perform(name, view, variables)
        except Exception as error:
            display.vvv(traceback.format_exc())
            outcome = {"outcome": "failed", "reason": f"{name}: {blame.cause(error)}"}
        tell(variables["inventory_hostname"], outcome)
        return result | {"changed": False} | outcome

    def _perform(self, name: str, view: View, task_vars: dict[str, Any]) -> dict[str, Any]:
        def value(variable: str) -> Any:
            return self._templar.resolve_variable_expression(variable)

        if name == "mend":
            did = self._remote(
                view.decision("recovery")["do_act"], acts.params("mend", view, value), task_vars
            )
            after = self._remote("look", acts.params("look", view, value), task_vars)
            return did | {"look": after}
        return self._remote(name, acts.params(name, view, value), task_vars)

    def _remote(
        self, act: str, params: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """One remote call; whatever goes wrong on the way is an outcome too."""
        python = task_vars.get("ansible_python_interpreter", "/usr/bin/python3")
        try:
            answer = self._low_level_execute_command(
                f"{python} -I -S -", in_data=bundle.script(act, params).encode()
            )
        except AnsibleConnectionFailure as error:
            return {"outcome": "unreachable", "reason": f"cannot be reached: {last_line(error)}"}
        except AnsibleError as error:
            return {"outcome": "failed", "reason": f"{act}: {last_line(error)}"}
        outcome = bundle.outcome(answer["stdout"])
        if outcome is None:
            said = (answer["stderr"] or answer["stdout"]).strip().splitlines()
            last = said[-1] if said else "nothing"
            return {
                "outcome": "failed",
                "reason": f"{act} ended with status {answer['rc']}: {last}",
            }
        return outcome


def last_line(error: Exception) -> str:
    """What a connection says in the end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def tell(host: str, outcome: dict[str, Any]) -> None:
    """One line of progress, where there is something to tell."""
    seconds = f" ({outcome['took_s']:.1f} s)" if "took_s" in outcome else ""
    if outcome["outcome"] in ("ok", "pending") and outcome.get("told"):
        display.display(f"  {host}: {outcome['told']}{seconds}")
    elif outcome["outcome"] not in ("ok", "pending"):
        display.display(f"  {host}: {outcome['outcome']}: {outcome.get('reason', '')}", color="red")
