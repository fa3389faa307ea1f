"""What plays hosts, and the ways to them, where real ones would not do what a test needs."""

from __future__ import annotations

import select
import sys
from contextlib import suppress
from os import pidfd_open
from pathlib import Path

from delight.events import Event, text
from delight.report import Line
from delight.session import Connection

from tests.support.waiting import PATIENCE_S
from tests.unit.test_release_playbooks import Hosts

PROMPT, SUCCESS = "[sudo via tests] password:", "BECOME-SUCCESS-tests"
# As sudo does: asks as often as three times, reads no more than the line, and becomes what it is for.
SUDO = """\
#!{python} -IS
import os, sys
words, given = sys.argv[1:], {{}}
while words[0].startswith("-"):
    word = words.pop(0)
    if word in ("-p", "-u"):
        given[word] = words.pop(0)
for _ in range(3 if {password!r} else 0):
    os.write({stream}, given["-p"].encode())
    said = b""
    while not said.endswith(b"\\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit("sudo: no password was provided")
        said += byte
    if said.decode() == {password!r} + "\\n":
        os.execvp(words[0], words)
    os.write({stream}, b"Sorry, try again.\\n")
if {password!r}:
    sys.exit("sudo: 3 incorrect password attempts")
os.execvp(words[0], words)
"""
# Gives its last word to a shell, as sshd does.
SSH = """\
#!/bin/sh
for last; do :; done
exec /bin/sh -c "$last"
"""


def executable(path: Path, text: str) -> Path:
    """A program of its own."""
    path.write_text(text)
    path.chmod(0o755)
    return path


def sudo(folder: Path, password: str, stream: int = 2) -> Path:
    """A sudo that wants `password`, or nothing where it is empty, and asks on `stream`."""
    text = SUDO.format(python=sys.executable, password=password, stream=stream)
    return executable(folder / "sudo", text)


def ways(hosts: Hosts, *names: str) -> dict[str, Connection]:
    """How the agents of an environment of scripts are started."""
    return {name: Connection([str(hosts.folder / name / "python")]) for name in names}


def ended(pid: int) -> None:
    """Wait until a process has ended, whoever has to bury it."""
    with suppress(ProcessLookupError):
        fd = pidfd_open(pid)
        with open(fd, closefd=True):
            assert select.select([fd], [], [], PATIENCE_S)[0], f"process {pid} has not ended"


class Screen:
    """What was told, and what a person reads of it: lines and their colours."""

    def __init__(self) -> None:
        self.told: list[Event] = []

    def tell(self, event: Event) -> None:
        self.told.append(event)

    @property
    def lines(self) -> list[Line]:
        return [line for event in self.told for line in text(event)]

    @property
    def text(self) -> str:
        return "\n".join(line for line, _ in self.lines)
