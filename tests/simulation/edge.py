"""A stand-in for the HAProxy of one host, asked in its own words on its runtime sockets.

What it decides by is what it has loaded and what was committed since, never the files: a restart or a reload
reads them again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MAPS = ("live.map", "pool.map")


@dataclass
class Running:
    """The edge under `folder`. `healthy` says whether the server at an address answers its checks."""

    folder: Path
    healthy: Callable[[str], bool] = lambda address: True
    cross: Callable[[str], None] = lambda label: None
    maps: dict[str, dict[str, str]] = field(default_factory=dict)
    drafts: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    version: int = 0
    backends: str = ""
    silent: bool = False

    def load(self) -> None:
        """Start, or reload: read what the files say."""
        self.maps = {name: parse((self.folder / name).read_text()) for name in MAPS}
        self.drafts = {}
        self.backends = (self.folder / "backends.cfg").read_text()

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
        return said

    def _master(self, words: list[str]) -> str:
        if words == ["reload"]:
            self.load()
            return "Success=1\n--\n"
        if words == ["show", "proc"]:
            return "#<PID> <type>\n1 master\n# workers\n8 worker\n# old workers\n# programs\n"
        raise AssertionError(f"no act asks the master for {words}")

    def _admin(self, words: list[str], command: str) -> str:
        match words:
            case ["show", "map", path]:
                entries = self.maps[which(path)].items()
                return "".join(f"0x1 {key} {value}\n" for key, value in entries)
            case ["prepare", "map", path]:
                self.version += 1
                self.drafts[which(path), f"@{self.version}"] = {}
                return f"New version created: {self.version}\n"
            case ["add", "map", version, path, "<<"]:
                if (which(path), version) not in self.drafts:
                    return "Version number out of range.\n"
                self.drafts[which(path), version] |= parse(command.partition("<<\n")[2])
                return ""
            case ["commit", "map", version, path]:
                if (which(path), version) not in self.drafts:
                    return "Version number out of range.\n"
                self.maps[which(path)] = self.drafts.pop((which(path), version))
                return ""
            case ["get", "var", "proc.backends"]:
                found = re.search(r"set-var proc.backends str\((\w+)\)", self.backends)
                name = f"proc.backends: type=str value=<{found[1]}>" if found else ""
                return f"{name or 'Variable not found.'}\n\n"
            case ["show", "stat", *_]:
                return self._stat()
            case ["shutdown", "sessions", *_]:
                return ""
        raise AssertionError(f"no act asks the edge for {words}")

    def _stat(self) -> str:
        rows = ["# pxname,svname,status,check_status,scur"]
        backend = ""
        for line in self.backends.splitlines():
            if found := re.match(r"backend (\S+)", line):
                backend = found[1]
            elif found := re.match(r"  server (\S+) ([0-9.]+):", line):
                well = self.healthy(found[2])
                rows.append(f"{backend},{found[1]},{'UP,L7OK' if well else 'DOWN,L4CON'},0")
        return "\n".join(rows) + "\n"


def which(path: str) -> str:
    """Which of the maps a path is."""
    return path.rpartition("/")[2]


def parse(text: str) -> dict[str, str]:
    """{key: value} of a map's text."""
    return dict(line.split(None, 1) for line in text.splitlines() if line.strip())
