"""Who runs a release: the process on this machine that others may have to wait for."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path
from typing import Any


def me() -> dict[str, Any]:
    """Who runs this: told to others, and enough to see here whether it still lives."""
    pid = os.getppid()
    name = f"{getpass.getuser()}@{socket.gethostname()}"
    return {"name": name, "node": socket.gethostname(), "pid": pid, "born": born(pid)}


def lives(by: dict[str, Any]) -> bool:
    """Whether the controller of an open run is still alive; unknown for another machine's: no."""
    here = bool(by["node"] == socket.gethostname() and by["born"])
    return here and born(by["pid"]) == str(by["born"])


def born(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty when there is none (a zombie counts so)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
