"""The lease of a host: who works on it, alone, for as long as the conversation with its conductor lasts.

It is a `flock`, so it cannot outlive its process, and beside it stands who holds it:
    {"pid", "since": UTC, "act", "run": id or null, "kind", "release", "by": owner, "once": whether it may
     wait for a container of its own, "leaving": true once nobody listens any more}
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import command, store

# For a step that nobody waits for any more to come to its end: each of its commands has a bound.
WAIT_S = 120.0
# For a process that was killed to be gone.
GONE_S = 10.0
POLL_S = 0.02
Note = dict[str, Any]


class Lease:
    """One process's hold on the host whose release folder is `root`."""

    def __init__(self, root: Path) -> None:
        self.path = root / "lock"
        self.note: Note = {}
        self._fd = -1
        self._writing = threading.Lock()

    @property
    def held(self) -> bool:
        """Whether this process works on the host alone."""
        return self._fd >= 0

    def take(self, note: Mapping[str, Any], wait_s: float = WAIT_S, patient: bool = False) -> None:
        """Hold the host alone, or be refused with who holds it. Held already, it says only what is new.

        Waits for whoever is about to leave; for a run that goes on only if `patient`.
        """
        if self.held:
            self.say(**note)
            return
        self.path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._wait(fd, fcntl.LOCK_EX, wait_s, patient)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        self.say(pid=os.getpid(), since=store.now(), **note)

    def say(self, **more: Any) -> None:
        """Write down beside the lock what others read while it is held."""
        with self._writing:
            new = not more.items() <= self.note.items()
            self.note |= more
            if new and self.held:
                text = json.dumps(self.note).encode()
                os.pwrite(self._fd, text, 0)
                os.ftruncate(self._fd, len(text))

    def release(self) -> None:
        """Let others work on the host."""
        with self._writing:
            if self.held:
                os.ftruncate(self._fd, 0)
                os.close(self._fd)
            self._fd, self.note = -1, {}

    def other(self, wait_s: float = WAIT_S) -> Note | None:
        """Who else works on the host, once whoever is about to leave has left; None if nobody does."""
        if self.held or not self.path.exists():
            return None
        fd = os.open(self.path, os.O_RDONLY)
        try:
            self._wait(fd, fcntl.LOCK_SH, wait_s)
        except store.Refused:
            return noted(fd) or {"pid": 0, "by": "somebody unknown", "run": None}
        finally:
            os.close(fd)
        return None

    def _wait(self, fd: int, kind: int, wait_s: float, patient: bool = False) -> None:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(fd, kind | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                note = noted(fd)
                if (stays(note) and not patient) or time.monotonic() >= deadline:
                    raise store.Refused("busy", self._busy(note)) from None
                time.sleep(POLL_S)

    def _busy(self, note: Note) -> str:
        """Who holds the host, since when, and the way out."""
        if not note:
            return (
                f"{self.path} is held by a process that does not say who it is; `lslocks` on this host "
                "shows its number"
            )
        since = f"process {note['pid']} on this host, since {note['since']}"
        run = f" of {note['kind']} of {note['release']} by {note['by']}" if note.get("run") else ""
        if stays(note):
            return (
                f"{note['kind']} of {note['release']} by {note['by']} is running (act {note['act']}, "
                f"{since}); wait for it. If it must end, run recover.yml -e takeover={note['by']}"
            )
        mine = f"--filter label=delight.app={self.path.parent.name}"
        ends = f"docker rm -f $(docker ps -q --filter label=delight.slot=once {mine})"
        once = f"`{ends}` ends the check or migration it waits for, " if note.get("once") else ""
        return (
            f"{self.path} is held by act {note['act']}{run}, {since}. Wait for it: each of its commands "
            f"has a bound. Or, on this host, {once}`kill {note['pid']}` ends the act itself; then run "
            "recover.yml"
        )


def noted(fd: int) -> Note:
    """What stands beside a lock that is held; empty where nobody true is named."""
    try:
        found: Note = json.loads(os.pread(fd, 4096, 0))
    except ValueError:
        return {}
    return found if Path(f"/proc/{found['pid']}").exists() else {}


def stays(note: Note) -> bool:
    """Whether the holder goes on for as long as its run does."""
    return bool(note.get("run")) and not note.get("leaving")


def hold(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Act: hold the host, and do nothing with it yet."""
    return {"outcome": "ok"}


def evict(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Act: end the process that holds this host, as somebody has said by name, and hold it instead.

    `params["holder"]` is what `look` has said of it. What it was doing is left as by a crash.
    """
    now, named = at.lease.other(0), params["holder"]
    if now is None:
        return {"outcome": "ok", "message": "it was gone already"}
    if (now["pid"], now.get("since")) != (named["pid"], named.get("since")) or not now["pid"]:
        raise store.Refused("busy", f"{now['by']} holds this host now, not {named['by']}")
    command.kill_tree(int(now["pid"]))
    run = {"run": params["run"]["id"], "kind": "recover", "release": params["run"]["to"]}
    at.lease.take({"act": "evict", **run, "by": params["by"], "once": False}, GONE_S, patient=True)
    return {"outcome": "ok", "message": f"ended process {now['pid']} of {now['by']}"}
