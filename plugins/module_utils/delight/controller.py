"""Who runs a release: the process on this machine that others may have to wait for."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path
from typing import Any

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE = Path("/proc/self/ns/pid")


def me() -> dict[str, Any]:
    """Who runs this: told to others, and enough to see from here whether it still lives.

    A process is known by its number and start within one boot and one process namespace; a host
    name tells neither machines nor containers apart.
    """
    pid = os.getppid()
    name = f"{getpass.getuser()}@{socket.gethostname()}"
    return {"name": name, "pid": pid, "born": born(pid), "boot": boot(), "pids": namespace()}


def lives(by: dict[str, Any]) -> bool:
    """Whether the controller of an open run may still live: only one that is seen to be gone does not."""
    in_sight = bool(by["born"] and by.get("boot")) and (by["boot"], by["pids"]) == (
        boot(),
        namespace(),
    )
    return not in_sight or born(by["pid"]) == str(by["born"]) or hidden(by["pid"])


def boot() -> str:
    """The id of this machine's boot; empty where the kernel tells none."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


def namespace() -> str:
    """The process namespace that this process is in, so that numbers mean the same processes."""
    try:
        return str(NAMESPACE.readlink())
    except OSError:
        return ""


def born(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty when there is none (a zombie counts so)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def hidden(pid: int) -> bool:
    """Whether there is such a process that /proc does not show: it may be another user's."""
    if Path(f"/proc/{pid}").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
