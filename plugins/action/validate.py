"""Hold an environment against what its services take, and do nothing else: no host is asked anything.

`validate: {}` fails with every mistake by its path and none of their values, or says what was looked at.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import config, resolve
from delight.errors import ConfigError


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs once for all hosts, opens no connection, and is the same in check mode."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS: frozenset[str] = frozenset()

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        try:
            value = resolve.variables(self._templar, task_vars or {}).__getitem__
            config.check(value)
            services = config.load(value).services.values()
        except ConfigError as error:
            lines = "\n".join(f"  {mistake}" for mistake in error.mistakes)
            many = "mistake" if len(error.mistakes) == 1 else "mistakes"
            text = f"INVALID: {len(error.mistakes)} {many}, and no host was touched\n{lines}"
            return result | {"failed": True, "outcome": "refused", "msg": text, "text": text}
        held = [service for service in services if service.settings]
        text = (
            f"VALID: {len(services)} services; {len(held)} were held against the schema of their settings, with "
            f"{sum(len(one.env) for one in held)} settings and {sum(len(one.secrets) for one in held)} secrets"
        )
        return result | {"changed": False, "text": text, "exit_status": 0}
