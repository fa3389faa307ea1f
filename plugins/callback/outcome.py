"""The outcome of a run for people and scripts, and what a signal does while hosts are locked.

Statuses: see `delight.decide.EXIT_STATUS`. ansible-core ends on Ctrl-C and SIGTERM without any task
more, so between lock and unlock the first signal only raises a flag that the next fleet decision
obeys (workers inherit the environment); a second one ends at once.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from ansible.plugins.callback import CallbackBase

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

# Imported here, in the main process, so that no worker pays for pydantic again.
from delight import decide, fleet

DOCUMENTATION = """
name: outcome
type: notification
short_description: Ends a release with its outcome, and makes signals safe while it runs
description:
  - Prints the outcome as the last lines and ends with its status.
  - Between lock and unlock, the first SIGINT, SIGTERM or SIGHUP asks the run to stop at its next decision.
"""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The last words of a run that broke off in Ansible's own sense, between lock and report.
NO_OUTCOME = """\
NEEDS ATTENTION: this run ended without an outcome, see the error above
  → status.yml shows what serves
  → recover.yml ends what is left\
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Loaded by ansible.cfg for every playbook; idle where no release runs."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "outcome"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self._before: dict[int, Any] = {}
        self._claims = False  # a host may have been claimed, and nothing says how that ended
        self._status = 0
        self._text = ""
        # Workers are forked: what is loaded by now is not worth a collection in any of them.
        gc.freeze()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Guard the time in which hosts are locked."""
        name = task.args.get("name") if task.action == "act" else None
        if name in ("mend", "lock") and not self._before:
            self._claims = True
            self._before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        if task.action == "fleet" and task.args.get("decide") == "report":
            self._release_signals()

    def v2_runner_on_ok(self, result: Any) -> None:
        if is_report(result):
            self._conclude(result.result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        if is_report(result):
            self._conclude(result.result)
        elif result.task.action in ("guard", "fleet", "smoke") and is_refusal(result):
            self._status = decide.EXIT_STATUS[decide.REFUSED]

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The last hook of a run: SystemExit passes through Ansible and keeps its clean-up."""
        if self._claims:
            self._status, self._text = decide.EXIT_STATUS[decide.ATTENTION], NO_OUTCOME
        if self._text:
            self._display.display(self._text, color="red" if self._status else "green")
        if self._status:
            raise SystemExit(self._status)

    def _conclude(self, data: dict[str, Any]) -> None:
        self._status, self._text = data["exit_status"], data["text"]
        self._claims = False
        self._release_signals()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if not os.environ.get(fleet.STOP):
            os.environ[fleet.STOP] = name
            self._display.display(
                f"{name}: this run stops at its next decision and puts every host back; once more ends "
                "it at once",
                color="red",
            )
            return
        self._display.display(
            f"{name}: ended at once; hosts may be half way. What serves goes on serving, and the next "
            "run (or recover.yml) ends what is left.",
            color="red",
        )
        self._release_signals()
        os.kill(os.getpid(), signal.SIGTERM if number == signal.SIGHUP else number)

    def _release_signals(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


def is_refusal(result: Any) -> bool:
    """Whether a task refused; one that broke off keeps Ansible's own status."""
    return bool(result.result.get("outcome") == decide.REFUSED)


def is_report(result: Any) -> bool:
    """Whether this is the last word of a run."""
    return result.task.action in ("fleet", "smoke") and "text" in result.result
