"""How a container ends: what it runs gets its SIGTERM and its grace, though a shell stands in between.

A shell that waits for a command dies of the signal and takes the container with it; as process 1 it does not even
hear it. Neither passes it on. So the shell's commands are asked to end first, from the host, and the shell goes on.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from . import command, docker

INITS = {"docker-init", "tini"}
SHELLS = {"sh", "ash", "bash", "busybox", "dash", "ksh", "zsh"}
TERM_BIT = 1 << (signal.SIGTERM - 1)
# What a shell gets for what it has to do after its command; one that starts the next in a loop is ended then.
AFTER_S = 1.0


def end(container_id: str, grace_s: float) -> None:
    """Ask a container to end, and kill what is left of it after `grace_s` seconds."""
    until = time.monotonic() + grace_s
    main = docker.inspect(container_id)["State"].get("Pid", 0)
    if asked := ask(waited_for(main) if main else []):
        wait(asked, until)
        with suppress(ProcessLookupError):
            wait([os.pidfd_open(main)], min(until, time.monotonic() + AFTER_S))
    docker.stop(container_id, max(0.0, until - time.monotonic()))


def waited_for(main: int) -> list[int]:
    """What a shell that would not pass a signal on waits for; `main` is a container's first process, by its host."""
    if name(main) in INITS:
        main = next(iter(command.children(main)), main)
    return list(commands(main)) if deaf(main) else []


def commands(shell: int) -> Iterable[int]:
    """The commands below a shell, through shells below it."""
    for pid in command.children(shell):
        yield from commands(pid) if deaf(pid) else [pid]


def deaf(pid: int) -> bool:
    """Whether a process is a shell that has no trap for SIGTERM."""
    if name(pid) not in SHELLS:
        return False
    caught = [line for line in text(pid, "status").splitlines() if line.startswith("SigCgt:")]
    return bool(caught) and not int(caught[0].split()[1], 16) & TERM_BIT


def ask(pids: list[int]) -> list[int]:
    """Send SIGTERM; descriptors of the processes that were there to get it."""
    found = []
    for pid in pids:
        with suppress(ProcessLookupError):
            found.append(os.pidfd_open(pid))
            signal.pidfd_send_signal(found[-1], signal.SIGTERM)
    return found


def wait(processes: list[int], until: float) -> None:
    """Wait until all have ended, at most until `until` on the monotonic clock; closes the descriptors."""
    left = list(processes)
    while left and (left_s := until - time.monotonic()) > 0:
        ended, _, _ = select.select(left, [], [], left_s)
        left = [one for one in left if one not in ended]
    for one in processes:
        os.close(one)


def name(pid: int) -> str:
    """The name of a process's program, as the kernel has it."""
    return text(pid, "comm").strip()


def text(pid: int, file: str) -> str:
    """A file of a process; empty where it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{file}").read_text()
    return ""
