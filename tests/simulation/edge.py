"""A stand-in for the HAProxy of one host, asked in its own words on its runtime sockets.

What it decides by is what it has loaded and what was committed since, never the files: a restart or a reload
reads them again. `tests/edge/test_stand_in.py` compares its answers with the real ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MAPS = ("live.map", "pool.map")
BUFFER = 16384  # bytes of a command, its entries included: tune.bufsize


@dataclass
class Running:
    """The edge under `folder`. `healthy` says whether the server at an address answers its checks.

    A map has versions: the one that decides, `committed`, and `newest`, the last that was prepared.
    """

    folder: Path
    healthy: Callable[[str], bool] = lambda address: True
    cross: Callable[[str], None] = lambda label: None
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    drafts: dict[tuple[str, int], dict[str, str]] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    backends: str = ""
    silent: bool = False

    def load(self) -> None:
        """Start, or reload: read what the files say."""
        self.maps = {name: parse_file((self.folder / name).read_text()) for name in MAPS}
        self.backends = (self.folder / "backends.cfg").read_text()
        self.drafts = {}
        self.committed = dict.fromkeys(MAPS, 0)
        self.newest = dict.fromkeys(MAPS, 0)

    def exchange(self, sock: str, command: str) -> str:
        """The answer to a command."""
        if self.silent:
            raise ConnectionRefusedError(111, "Connection refused")
        reads = command.startswith(("show ", "get "))
        words = command.partition("\n")[0].split()
        what = f"edge: {' '.join(words[:2])}"
        if not reads:
            self.cross(f"before {what}")
        said = self._master(words) if sock == "master.sock" else self._admin(words, command)
        if not reads:
            self.cross(f"after {what}")
        return f"{said}\n"

    def _master(self, words: list[str]) -> str:
        if words == ["reload"]:
            try:
                self.load()
            except FileNotFoundError as error:
                return f"Success=0\n--\n[ALERT] failed to open pattern file <{error.filename}>\n"
            return "Success=1\n--\n"
        if words == ["show", "proc"]:
            return "#<PID> <type>\n1 master\n# workers\n8 worker\n# programs\n"
        raise AssertionError(f"no act asks the master for {words}")

    def _admin(self, words: list[str], command: str) -> str:
        if len(command.encode()) > BUFFER:
            return "The command is too big for the buffer size.\n"
        match words:
            case ["show", "map", path]:
                entries = self.maps[which(path)].items()
                return "".join(f"0x1 {key} {value}\n" for key, value in entries)
            case ["prepare", "map", path]:
                name = which(path)
                # Assigned anew, as below: copies of a host share what is in here.
                self.newest = {**self.newest, name: self.newest[name] + 1}
                return f"New version created: {self.newest[name]}\n"
            case ["add", "map", version, path, "<<"]:
                return self._add(which(path), number(version), parse(command.partition("<<\n")[2]))
            case ["commit", "map", version, path]:
                return self._commit(which(path), number(version))
            case ["get", "var", "proc.backends"]:
                found = re.search(r"set-var proc.backends str\((\w+)\)", self.backends)
                name = f"proc.backends: type=str value=<{found[1]}>" if found else ""
                return f"{name or 'Variable not found.'}\n"
            case ["show", "stat", *_]:
                return self._stat()
            case ["shutdown", "sessions", "server", _]:
                return ""
        raise AssertionError(f"no act asks the edge for {words}")

    def _add(self, name: str, version: int, entries: dict[str, str]) -> str:
        if version > self.newest[name]:
            return "Version number in the future, please use 'prepare map' before.\n"
        if version == self.committed[name]:
            self.maps[name] |= entries
        else:  # one that is older is added to as well, and nobody sees it
            self.drafts[name, version] = self.drafts.get((name, version), {}) | entries
        return ""

    def _commit(self, name: str, version: int) -> str:
        if not self.committed[name] < version <= self.newest[name]:
            return "Version number out of range.\n"
        self.maps[name] = self.drafts.pop((name, version), {})
        self.committed = {**self.committed, name: version}
        return ""

    def _stat(self) -> str:
        rows = ["# pxname,svname,status,check_status,scur,stot"]
        backend = ""
        for line in self.backends.splitlines():
            if found := re.match(r"backend (\S+)", line):
                backend = found[1]
            elif found := re.match(r"  server (\S+) ([0-9.]+):", line):
                well = "UP,L7OK" if self.healthy(found[2]) else "DOWN,L4CON"
                rows.append(
                    f"{backend},{found[1]},{well if ' check ' in line else 'no check,'},0,0"
                )
        return "\n".join(rows) + "\n"


def which(path: str) -> str:
    """Which of the maps a path is."""
    return path.rpartition("/")[2]


def number(version: str) -> int:
    """The version that `@<number>` names."""
    return int(version.removeprefix("@"))


def parse(text: str) -> dict[str, str]:
    """{key: value} of entries, one a line."""
    return dict(line.split(None, 1) for line in text.splitlines() if line.strip())


def parse_file(text: str) -> dict[str, str]:
    """{key: value} of a map's file, which may have comments."""
    return parse("".join(line for line in text.splitlines(True) if line[:1] != "#"))
