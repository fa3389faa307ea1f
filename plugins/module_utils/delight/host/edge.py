"""The edge of this host: its route map (a file that is the authority, and the runtime copy)."""

from __future__ import annotations

import csv
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import command, files, told

# How long a starting edge may take to open its sockets, and one that runs to read a candidate.
STARTING_S = 2.0
CHECK_S = 60.0
# HAProxy takes a command of up to 16 KiB, `tune.bufsize`.
PAYLOAD_BYTES = 8192
# What the pool says while a host is out of it for a while, and comes back by itself.
OUT = "out-for-change"
# No request for so long: two checks of a balancer have been answered with 503 by then.
QUIET_S = 5.0
# How often a map is committed anew when the edge has reloaded in the middle of it.
ATTEMPTS = 3
# How backends.cfg names itself, and how the running edge says the name.
NAMED = re.compile(r"set-var proc\.backends str\((\w+)\)")
LOADED = re.compile(r"value=<(\w+)>")


class EdgeError(Exception):
    """The edge does not answer, or holds another map than it was given."""


class Edge:
    """The HAProxy under `<root>/edge`."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "edge"
        self.map_file = self.folder / "live.map"
        self.back_file = self.folder / "live.map.back"
        self.pool_file = self.folder / "pool.map"
        self.backends_file = self.folder / "backends.cfg"

    def ask(self, command: str, sock: str = "admin.sock", timeout_s: float = 10) -> str:
        """One command to a runtime socket, and the whole answer.

        A master that reloads hangs up on whoever is asking; what only reads is then asked again.
        """
        path = self.folder / "run" / sock
        deadline = time.monotonic() + STARTING_S
        while True:
            try:
                return exchange(path, command, timeout_s)
            except OSError as error:
                cut = isinstance(error, ConnectionError) and command.startswith("show ")
                if not cut or time.monotonic() >= deadline:
                    raise EdgeError(
                        f"the edge does not answer at {path}: {error}; run edge.yml"
                    ) from error
                time.sleep(0.05)

    def read_file(self, path: Path | None = None) -> dict[str, str] | None:
        """The map in the file, {key: value}; None before there is one."""
        text = files.read_text(path or self.map_file)
        return None if text is None else parse_map(text)

    def read_runtime(self, path: Path | None = None) -> dict[str, str]:
        """The map the running edge decides by."""
        answer = self.ask(f"show map {path or self.map_file}")
        entries = (line.split(" ", 2)[1:] for line in answer.splitlines() if line.startswith("0x"))
        return {key: value.strip() for key, value in entries}

    def commit(self, wanted: dict[str, str], path: Path | None = None) -> None:
        """Make `wanted` the map: the file first (it survives us), then one atomic runtime commit."""
        target = path or self.map_file
        files.write_atomic(target, map_text(wanted).encode(), mode=0o644)
        self._commit_runtime(wanted, target)
        if target == self.map_file:
            told.follow(self.folder.parent, wanted)

    def prepare_back(self, before: dict[str, str]) -> None:
        """Write the way back beside the map, so that going it takes no room on the disk."""
        files.write_atomic(self.back_file, map_text(before).encode(), mode=0o644)

    def commit_back(self, before: dict[str, str]) -> None:
        """Make `before` the map again, by what `prepare_back` wrote where that is still there."""
        if self.read_file(self.back_file) != before:
            self.commit(before)
            return
        files.move(self.back_file, self.map_file)
        self._commit_runtime(before, self.map_file)
        told.follow(self.folder.parent, before)

    def _commit_runtime(self, wanted: dict[str, str], target: Path) -> None:
        """Bring the running edge to the file. One that reloads in between has forgotten what was begun."""
        for left in reversed(range(ATTEMPTS)):
            try:
                return self._try_runtime(wanted, target)
            except EdgeError:
                if not left:
                    raise
        return None

    def _try_runtime(self, wanted: dict[str, str], target: Path) -> None:
        answer = self.ask(f"prepare map {target}")
        if "New version created" not in answer:
            raise EdgeError(f"the edge refused a new version of {target}: {answer.strip()}")
        version = answer.split(":")[1].strip()
        for payload in payloads(wanted):
            refusal = self.ask(f"add map @{version} {target} <<\n{payload}\n").strip()
            if refusal:
                raise EdgeError(f"the edge refused an entry of {target}: {refusal}")
        refusal = self.ask(f"commit map @{version} {target}").strip()
        if refusal:
            raise EdgeError(f"the edge refused to commit {target}: {refusal}")
        if self.read_runtime(target) != wanted:
            raise EdgeError(f"the edge does not show the map it was given ({target})")

    def set_pool(self, serving: bool) -> None:
        """Say whether this host has anything to serve; its readiness answer needs it."""
        self.pool(ready="yes" if serving else "no")

    def pool(self, **said: str) -> dict[str, str]:
        """What the pool's map says, with `said` from now on."""
        before = self.read_file(self.pool_file) or {}
        wanted = {**before, **said}
        # What runs is compared, too: an earlier run may have died between the file and the edge.
        if said and (wanted != before or self.read_runtime(self.pool_file) != wanted):
            self.commit(wanted, self.pool_file)
        return wanted

    def leave_pool(self, bound_s: float) -> bool:
        """Go out of the pool, and wait until no request comes any more; whether that came true in time.

        A host that somebody else has out of it stays so, and nothing is waited for.
        """
        if self.pool().get("pool") not in ("in", OUT):
            return False
        self.pool(pool=OUT)
        deadline = time.monotonic() + bound_s
        seen, since = -1, time.monotonic()
        while time.monotonic() < deadline:
            rows = self.servers()
            total = sum(int(row["stot"] or 0) for row in rows)
            if total != seen or any(int(row["scur"] or 0) for row in rows):
                seen, since = total, time.monotonic()
            if time.monotonic() - since >= QUIET_S:
                return True
            time.sleep(0.2)
        return False

    def join_pool(self) -> None:
        """Come back, where it was left by `leave_pool`."""
        if self.pool().get("pool") in ("in", OUT):
            self.pool(pool="in")

    def servers(self) -> list[dict[str, str]]:
        """One row of counters a server (`pxname`, `svname`, `status`, `check_status`, `scur`, …)."""
        answer = self.ask("show stat -1 4 -1").lstrip("# ")
        return list(csv.DictReader(answer.splitlines()))

    def unready(self, backends: set[str]) -> list[str]:
        """Checked servers of `backends` whose check has not yet been answered well."""
        rows = [r for r in self.servers() if r["pxname"] in backends and not is_twin(r["svname"])]
        missing = backends - {r["pxname"] for r in rows}
        if missing:
            raise EdgeError(f"the edge has no backend {', '.join(sorted(missing))}")
        return [
            f"{r['pxname']}/{r['svname']} ({r['status']}, check {r['check_status'] or 'not run'})"
            for r in rows
            if not (r["status"].startswith("UP") and last_check(r).startswith("L7OK"))
        ]

    def sessions(self, backends: set[str]) -> int:
        """Requests and streams in flight at `backends`."""
        return sum(int(r["scur"] or 0) for r in self.servers() if r["pxname"] in backends)

    def cut(self, backends: set[str]) -> None:
        """End every session that is still open at `backends`."""
        for row in self.servers():
            if row["pxname"] in backends:
                self.ask(f"shutdown sessions server {row['pxname']}/{row['svname']}")

    def drain(self, backends: set[str], deadline: float) -> dict[str, Any]:
        """Wait until `backends` are idle; at `deadline` (monotonic seconds) cut what is left."""
        began = time.monotonic()
        while left := self.sessions(backends):
            if time.monotonic() >= deadline:
                self.cut(backends)
                break
            time.sleep(0.1)
        return {"cut": left, "seconds": round(time.monotonic() - began, 3)}

    def old_workers(self) -> int:
        """Workers from before a reload that still hold connections; they go by their own old map."""
        said = self.ask("show proc", sock="master.sock").partition("# old workers")[2]
        return sum(line[:1].isdigit() for line in said.partition("#")[0].splitlines())

    def wait_for_old_workers(self, deadline: float) -> None:
        """Wait until every request is decided by the current map, at most until `deadline`."""
        while self.old_workers() and time.monotonic() < deadline:
            time.sleep(0.1)

    def loaded(self) -> str:
        """The name of the backends that the running edge has; empty where they have none."""
        found = LOADED.search(self.ask("get var proc.backends"))
        return found[1] if found else ""

    def write_backends(self, text: str) -> bool:
        """Replace the backends and reload without a lost request; whether anything changed.

        What runs is compared, too: an earlier run may have died between writing and reloading.
        """
        before = files.read_text(self.backends_file)
        if before == text and self.loaded() == name_of(text):
            return False
        self._check(text)
        files.write_atomic(self.backends_file, text.encode(), mode=0o644)
        try:
            answer = self.ask("reload", sock="master.sock", timeout_s=60)
            if "Success=1" not in answer:
                raise EdgeError(f"the edge refused its new backends: {answer.strip()[-800:]}")
            self._wait_until_loaded(name_of(text))
        except EdgeError:
            # The running workers go on with what they have; the file must say the same.
            files.write_atomic(self.backends_file, (before or "").encode(), mode=0o644)
            raise
        return True

    def _wait_until_loaded(self, name: str) -> None:
        """The old workers may answer for a moment more."""
        deadline = time.monotonic() + STARTING_S
        while (found := self.loaded()) != name:
            if time.monotonic() >= deadline:
                raise EdgeError(
                    f"the edge has reloaded, but has the backends {found!r}, not {name!r}"
                )
            time.sleep(0.02)

    def _check(self, text: str) -> None:
        """Let the running edge's own binary read the candidate before anything is replaced."""
        candidate = self.folder / "candidate.cfg"
        files.write_atomic(candidate, text.encode(), mode=0o644)
        config = ["-f", str(self.folder / "haproxy.cfg"), "-f", str(candidate)]
        argv = ["docker", "exec", f"{self.folder.parent.name}-edge", "haproxy", "-c", *config]
        ran = command.run(argv, CHECK_S)
        candidate.unlink()
        if ran.late:
            raise EdgeError(f"the edge has not read its new backends within {CHECK_S:g} s")
        if ran.status:
            said = (ran.stderr + ran.stdout).strip()[-800:]
            raise EdgeError(f"the edge does not accept the new backends: {said}")


def name_of(text: str) -> str:
    """How a `backends.cfg` names itself; empty for one that does not."""
    found = NAMED.search(text)
    return found[1] if found else ""


def exchange(path: Path, command: str, timeout_s: float) -> str:
    """Send one command and read until the other side closes."""
    with connect(path, timeout_s) as client:
        client.sendall(command.encode() + b"\n")
        client.shutdown(socket.SHUT_WR)  # or the master waits for another command
        return b"".join(iter(lambda: client.recv(65536), b"")).decode()


def connect(path: Path, timeout_s: float) -> socket.socket:
    """A connection to a runtime socket; one that is just being opened refuses for a moment."""
    deadline = time.monotonic() + STARTING_S
    while True:
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.settimeout(timeout_s)
        try:
            client.connect(str(path))
            return client
        except (ConnectionRefusedError, FileNotFoundError):
            client.close()
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def is_twin(server: str) -> bool:
    """The unchecked backup copy of a replica."""
    return server.endswith("-backup")


def last_check(row: dict[str, str]) -> str:
    """How a server's last check ended; while the next one is out, a star stands before it."""
    return row["check_status"].removeprefix("* ")


def payloads(entries: dict[str, str]) -> Iterator[str]:
    """The lines of a map, as many at once as a command may have."""
    lines: list[str] = []
    size = 0
    for line in (f"{key} {value}" for key, value in entries.items()):
        size += len(line.encode()) + 1
        if lines and size > PAYLOAD_BYTES:
            yield "\n".join(lines)
            lines, size = [], len(line.encode()) + 1
        lines.append(line)
    if lines:
        yield "\n".join(lines)


def parse_map(text: str) -> dict[str, str]:
    """{key: value} of a map file; blank lines and comments are passed over."""
    lines = (line.strip() for line in text.splitlines())
    return dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))


def map_text(entries: dict[str, str]) -> str:
    """The file for `entries`, sorted so that equal maps are equal files."""
    return "".join(f"{key} {value}\n" for key, value in sorted(entries.items()))
