"""The outcome of a run for people and scripts, and what a signal does while it goes on.

Statuses: see `delight.decide.EXIT_STATUS`. ansible-core ends on Ctrl-C and SIGTERM without any task
more, so from a run's first phase to its report the first signal only asks the conductor to stop at its next
step; a second one ends both at once.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from ansible.plugins.callback import CallbackBase

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import events, inputs, link, report

DOCUMENTATION = """
name: outcome
type: notification
short_description: Ends a release with its outcome, and makes signals safe while it runs
description:
  - Starts the conductor of a release while Ansible still reads the playbook.
  - Prints the outcome as the last lines and ends with its status.
  - While a run goes on, the first SIGINT, SIGTERM or SIGHUP asks it to stop at its next step.
options:
  output:
    description: What a release prints, words for people or a line of JSON for each event.
    choices: [text, json]
    default: text
    env:
      - name: DELIGHT_OUTPUT
    ini:
      - section: delight
        key: output
"""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NO_HOSTS = (
    "No application host was found, so nothing was done: see whether the environment has a group `app`, and "
    "whether --limit names a host of it."
)


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Loaded by ansible.cfg for every playbook; idle where no release runs."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "outcome"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self) -> None:
        super().__init__()
        self._before: dict[int, Any] = {}
        self._release = False  # whether this playbook makes one
        self._begun = False  # whether the conductor was asked for a phase
        self._signalled = False
        self._word: dict[str, Any] = {}  # how it ended
        # Workers are forked: what is loaded by now is not worth a collection in any of them.
        gc.freeze()

    def v2_playbook_on_start(self, playbook: Any) -> None:
        """Have the conductor read its code at once; other playbooks start it with their first phase."""
        self._release = Path(playbook._file_name).name in inputs.PLAYBOOKS
        if self._release:
            link.begin(os.getpid())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Guard a run from its first phase to its report."""
        if task.action != "phase":
            return
        if not self._begun:
            self._begun = True
            self._before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}

    def v2_runner_on_ok(self, result: Any) -> None:
        if result.task.action in ("secrets", "smoke", "validate"):
            self._word = report.message(result.result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Remember what a task of the project failed with."""
        if report.told(result.task.action, result.result):
            self._word = report.message(result.result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """The last hook of a run: SystemExit passes through Ansible and keeps its clean-up."""
        if self._begun:
            self._end()
        elif self._release and not (self._word or stats.failures or stats.dark):
            self._word = report.message({"exit_status": 1, "text": NO_HOSTS})
        if self._word:
            self._show(self._word)
        if status := self._word.get("exit_status"):
            raise SystemExit(status)

    def _end(self) -> None:
        """Have the conductor bring the run to an end, where it has none yet, and tell how it ended."""
        try:
            word = link.speak(os.getpid(), "end", {}, self._show)
        except (OSError, EOFError):
            word = report.no_outcome("its conductor is gone")
        self._release_signals()
        self._word = word or self._word

    def _show(self, event: events.Event) -> None:
        form = self.get_option("output") if self._release else "text"
        events.show(event, form, self._display.display)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if not self._signalled:
            self._signalled = True
            self._tell(number)
            self._say(
                f"{name}: this run stops at its next step and puts every host back; once more ends it at "
                "once"
            )
            return
        self._say(
            f"{name}: ended at once; hosts may be half way. What serves goes on serving, and the next "
            "run (or recover.yml) ends what is left."
        )
        self._tell(signal.SIGQUIT)
        self._release_signals()
        os.kill(os.getpid(), signal.SIGTERM if number == signal.SIGHUP else number)

    def _say(self, text: str) -> None:
        self._show({"event": "signal", "text": text})

    def _tell(self, number: int) -> None:
        with suppress(OSError, ValueError):
            os.kill(link.conductor(os.getpid()), number)

    def _release_signals(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
