"""Commands on this host. Each has a bound: what is not done by then is ended, and the result says so."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# For the last output of a command that was killed; something it left behind may hold its pipes.
LAST_WORDS_S = 5.0


class Ran(NamedTuple):
    """A command that has ended; `late` is one that was killed at its bound of `bound_s` seconds."""

    argv: list[str]
    status: int
    stdout: str
    stderr: str
    bound_s: float
    late: bool = False

    def lines(self) -> list[str]:
        """What it printed, errors first, without empty lines."""
        return [line for line in (self.stderr + self.stdout).splitlines() if line.strip()]


def run(argv: list[str], bound_s: float, environment: Mapping[str, str] | None = None) -> Ran:
    """Run a command to its end, at most for `bound_s` seconds, without any input.

    It gets a session of its own: at its bound all of it is killed, the plugins of `docker` included.
    """
    with subprocess.Popen(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=bound_s)
            return Ran(argv, process.returncode, stdout, stderr, bound_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        try:
            stdout, stderr = process.communicate(timeout=LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            stdout = stderr = ""
        return Ran(argv, process.wait(), stdout, stderr, bound_s, late=True)


def children(pid: int) -> list[int]:
    """The processes that a process has started, oldest first; none where it is gone."""
    with suppress(OSError):
        return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return []


def kill_tree(pid: int) -> None:
    """Kill a process and all that it has started; what is gone already is fine."""
    for child in children(pid):
        kill_tree(child)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
