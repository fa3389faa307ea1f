"""The way from a playbook's processes to its conductor: a socket in a folder that only its user may enter.

What goes there are pairs of a word and plain values, as `multiprocessing.connection` sends them. The folder's
name follows from the playbook's process, so that every process of it finds the same.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

# For the conductor to listen, once it was started.
START_S = 20.0
POLL_S = 0.01
MODULES = Path(__file__).resolve().parents[1]


def folder(playbook_pid: int) -> Path:
    """Where the conductor of a playbook listens; made if it is not there. Refuses one of somebody else's."""
    home = own(Path(tempfile.gettempdir()) / f"delight-{os.getuid()}")
    return own(home / name(playbook_pid))


def name(pid: int) -> str:
    """What tells a process from all others, those before and after it of the same number too.

    Raises FileNotFoundError where there is none.
    """
    # The 22nd field: when it started, in the kernel's ticks.
    return f"{pid}-{Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]}"


def own(folder: Path) -> Path:
    """A folder of this user's alone; what somebody else may have laid there is looked at and not touched."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise PermissionError(f"{folder} belongs to somebody else; remove it, or set TMPDIR")
    return folder


def begin(playbook_pid: int) -> None:
    """Have the conductor of a playbook run; one that runs already stays."""
    place = folder(playbook_pid)
    try:
        os.close(os.open(place / "begun", os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    # A session of its own: Ctrl-C at the terminal is the playbook's, which asks the conductor to stop.
    # Ansible keeps its own output from being inherited, so it is named.
    subprocess.Popen(
        [sys.executable, "-m", "delight.process", str(playbook_pid), str(place)],
        env={**os.environ, "PYTHONPATH": str(MODULES)},
        stdin=subprocess.DEVNULL,
        stdout=1,
        stderr=2,
        start_new_session=True,
    )


def conductor(playbook_pid: int) -> int:
    """The number of the conductor's process."""
    return int((folder(playbook_pid) / "pid").read_text())


def speak(
    playbook_pid: int,
    word: str,
    said: Mapping[str, Any],
    tell: Callable[[Mapping[str, Any]], None],
) -> dict[str, Any]:
    """Say something to the conductor and bring its answer; `tell` gets the events that come before it."""
    with _connected(folder(playbook_pid) / "socket") as link:
        link.send((word, dict(said)))
        while True:
            kind, what = link.recv()
            if kind == "answer":
                answer: dict[str, Any] = what
                return answer
            tell(what)


def _connected(socket: Path) -> Connection:
    deadline = time.monotonic() + START_S
    while True:
        try:
            return Client(str(socket), "AF_UNIX")
        except (FileNotFoundError, ConnectionRefusedError):
            if gone(socket.parent) or time.monotonic() >= deadline:
                raise
            time.sleep(POLL_S)


def gone(folder: Path) -> bool:
    """Whether the conductor that listened here has ended."""
    try:
        return not Path("/proc", (folder / "pid").read_text() or "self").exists()
    except FileNotFoundError:
        return not folder.exists()
