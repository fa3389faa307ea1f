"""The secrets of an environment: what it needs, and the vault that holds them; no host is asked anything.

`secrets: {do: check}` names what is missing, unused or still to be given; `init` makes the vault and the keys that
can be made; `rekey` gives it another password; `rotate` gives `secret` another value, made here or read from the file
`value_from`, and with `compromised` says that the old one may be used by nobody; `end` ends what `rotate` has left
valid beside the new one. Values are never told.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import vault_acts
from delight.errors import ConfigError


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs once, on the controller; in check mode it tells what it would do."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset({"do", "secret", "value_from", "compromised"})

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        said = {name: str(text or "") for name, text in self._task.args.items()}
        do = said.get("do", "check")
        try:
            if do not in vault_acts.ACTS:
                raise ConfigError([f"do: is none of {', '.join(vault_acts.ACTS)}"])
            passwords = self._loader._vault.secrets or []
            environment = vault_acts.Environment(
                task_vars or {}, self._templar, passwords, said, self._task.check_mode
            )
            changed, lines = vault_acts.ACTS[do](environment)
        except ConfigError as error:
            text = "\n".join(["REFUSED: nothing was changed", *(f"  {m}" for m in error.mistakes)])
            return result | {"failed": True, "outcome": "refused", "msg": text, "text": text}
        return result | {"changed": changed, "text": "\n".join(lines), "exit_status": 0}
