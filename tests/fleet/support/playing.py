"""Playbooks on their way and at their end, as a user at a terminal sees them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 120


@dataclass
class Run:
    """One ended playbook: its status, what it printed, and its result file."""

    status: int
    output: str
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        return str(self.result.get("outcome", "no result"))

    def expect(self, outcome: str, status: int) -> Run:
        """This run, if it ended so; otherwise all it printed."""
        assert (self.outcome, self.status) == (outcome, status), self.output
        return self


class Playing:
    """A playbook on its way; its output can be waited for and it can be signalled.

    It stands in a session of its own, without a terminal.
    """

    def __init__(self, argv: list[str], environment: dict[str, str], result_file: Path) -> None:
        self._result_file = result_file
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def output(self) -> str:
        return "".join(self._lines)

    def until(self, text: str) -> None:
        """Wait until the playbook has printed `text`."""
        with self._changed:
            done = self._changed.wait_for(
                lambda: text in self.output or not self._reader.is_alive(), PATIENCE_S
            )
        assert done and text in self.output, self.output

    def signal(self, number: int) -> None:
        """Signal the playbook; Ctrl-C goes to its whole process group, as from a terminal."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End the controller as a power cut does: the conductor, the playbook, all that it started."""
        if self.process.poll() is None:
            for child in children(self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE_S)

    def end(self) -> Run:
        """Wait for its end."""
        self.process.wait(PATIENCE_S * 3)
        self._reader.join(10)
        result = {}
        if self._result_file.exists():
            result = json.loads(self._result_file.read_text())
        return Run(self.process.returncode, self.output, result)


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run, its conductor among them."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
