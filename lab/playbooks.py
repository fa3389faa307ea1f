"""Run the project's playbooks, with their output in a log and their progress on screen."""

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import paths
from lab.errors import LabError

# A task's banner, or a line of a release, which has none.
DOING = re.compile(r"^(?:TASK \[(?P<task>.*)\] \**| +(?P<said>\S.*))$")
RECAP = re.compile(r"^\S+ +: ok=\d+ +changed=(?P<changed>\d+) ")
SHOWN_LINES = 40  # of the log, when a playbook fails


@dataclass(frozen=True)
class Played:
    """What a playbook did: tasks that changed something, summed over the hosts."""

    changed: int
    output: str


def command(playbook: str, inventory: Path, extra: list[str]) -> list[str]:
    """argv as a user types it."""
    program = str(paths.ROOT / ".venv/bin/ansible-playbook")
    return [program, playbook, "-i", str(inventory), *extra]


def changed(output: str) -> int:
    """How many tasks changed something, from the recap."""
    found = (RECAP.match(line) for line in output.splitlines())
    return sum(int(match["changed"]) for match in found if match)


def play(argv: list[str], log: Path, on_task: Callable[[str], None]) -> Played:
    """Run to the end; LabError with the end of the output when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "PYTHONUNBUFFERED": "1"}
    with log.open("w") as file:
        process = subprocess.Popen(
            argv,
            cwd=paths.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None  # noqa: S101 (it is a pipe; tells mypy so)
        for line in process.stdout:
            file.write(line)
            file.flush()
            lines.append(line)
            if doing := DOING.match(line):
                on_task(doing["task"] or doing["said"])
    if process.wait() != 0:
        end = "".join(lines[-SHOWN_LINES:])
        typed = " ".join(["ansible-playbook", *argv[1:]])
        raise LabError(f"`{typed}` ended with {process.returncode} (all of it: {log})\n{end}")
    output = "".join(lines)
    return Played(changed(output), output)
