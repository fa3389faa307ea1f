"""A host that is a folder: its files are real, its engine, its edge and its time are stand-ins.

Everything above the wire is the code that runs on hosts: `Host.act` performs an act as the agent does.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from delight.host import (
    addresses,
    command,
    docker,
    edge,
    files,
    gate,
    lease,
    look,
    main,
    stage,
    store,
    switch,
)
from delight.host.lease import Lease

from tests.simulation.edge import Running
from tests.simulation.engine import Engine
from tests.simulation.faults import Boundaries

ROOM = {"memory": 8 << 30, "disk": 50 << 30, "inodes": 10**6}


class Clock:
    """Seconds of the simulation: they pass only where somebody sleeps."""

    CLOCK_BOOTTIME = 0

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s

    def clock_gettime(self, clock: int) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += max(seconds, 0.001)


CLOCK = Clock()


class Host:
    """One host: `root` is the release folder in its own one, `act` what a controller asks it to do."""

    now: Host  # the one whose act runs

    def __init__(self, folder: Path, app: str = "delight") -> None:
        self.root = root = folder / app
        self.boot = "boot-1"
        self.boundaries = Boundaries()
        self.engine = Engine()
        (root / "edge").mkdir(parents=True)
        for name in ("live.map", "pool.map", "backends.cfg"):
            (root / "edge" / name).write_text("")
        self.edge = Running(root / "edge", healthy=self._answers)
        self.edge.load()
        self.once: Callable[[str, list[str]], tuple[int, str]] = lambda service, argv: (0, "")
        self.link = ""  # "cut" or "half open" from now on: see `breaking`
        self.sick: set[str] = set()  # versions whose replicas never answer well
        self._wire()

    def _wire(self) -> None:
        self.engine.cross = self.edge.cross = self.cross

    def cross(self, label: str) -> None:
        self.boundaries.cross(label)

    def act(self, name: str, lease: Lease | None = None, **params: Any) -> dict[str, Any]:
        """One act, as the agent on the host performs it that holds `lease`, or the host's own timer."""
        Host.now = self
        said = json.loads(json.dumps({**self._base(), **params}))
        outcome: dict[str, Any] = json.loads(json.dumps(main.perform(name, said, lease)))
        return outcome

    def _base(self) -> dict[str, Any]:
        return {"root": str(self.root), "environment": "test", "wait_s": 0}

    def reboot(self) -> None:
        """Power off and on: what is in memory only is gone, containers start by their policy."""
        self.boot = f"boot-{int(self.boot.partition('-')[2]) + 1}"
        self.engine.reboot()
        self.edge.load()

    def copy(self, folder: Path) -> Host:
        """This host as it is, in another folder."""
        other = copy.copy(self)
        root = folder / self.root.name
        shutil.copytree(self.root, root, symlinks=True)
        other.root = root
        other.boundaries = Boundaries()
        other.link = ""
        other.sick = set(self.sick)
        other.engine = copy.copy(self.engine)
        other.engine.containers = copy.deepcopy(self.engine.containers)
        other.engine.images = set(self.engine.images)
        other.edge = copy.copy(self.edge)
        other.edge.folder = root / "edge"
        other.edge.healthy = other._answers
        other.edge.maps = copy.deepcopy(self.edge.maps)
        other.edge.drafts = {}
        other._wire()
        return other

    # -- what there is to see

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "state.json").read_text())
        return found

    @property
    def kept(self) -> set[str]:
        return {folder.name for folder in (self.root / "releases").iterdir()}

    @property
    def routes(self) -> dict[str, str]:
        """The map of its edge, which its file must agree with."""
        assert edge.parse_map((self.root / "edge/live.map").read_text()) == self.runtime
        return self.runtime

    @property
    def runtime(self) -> dict[str, str]:
        """The map that the running edge decides by."""
        return self.edge.maps["live.map"]

    def probe(self, address: str, path: str) -> gate.Answer:
        """What a replica answers to a GET."""
        container = self._at(address)
        if container is None or not container["State"]["Running"]:
            return gate.Answer(error="nobody is there")
        release = container["mine"]["release"]
        if release.rpartition("-")[0] in self.sick:
            return gate.Answer(503, "sick")
        return gate.Answer(200, json.dumps({"release": release}))

    def _answers(self, address: str) -> bool:
        return self.probe(address, "/").status == 200

    def _at(self, address: str) -> dict[str, Any] | None:
        """The container at an address: it follows from release, service, slot and number."""
        for one in self.engine.containers.values():
            mine = one["mine"]
            if mine["app"] != self.root.name or mine.get("slot") not in addresses.SLOT_DIGITS:
                continue
            if self._address(mine) == address:
                return one
        return None

    def _address(self, mine: dict[str, str]) -> str:
        file = self.root / "releases" / mine["release"] / "release.json"
        if not file.exists():
            return ""
        manifest = json.loads(file.read_text())
        index = manifest["services"][mine["service"]]["index"]
        digit = addresses.SLOT_DIGITS[mine["slot"]]
        return addresses.address(manifest["subnet"], index, digit, int(mine["replica"]))

    # -- programs

    def program(self, argv: list[str], environment: dict[str, str]) -> tuple[int, str]:
        """Status and output of a program that an act starts."""
        if self.engine.away:
            return 1, "Cannot connect to the Docker daemon"
        if argv[:2] == ["docker", "exec"]:
            return 0, ""  # `haproxy -c`
        if "up" in argv:
            return self.engine.compose_up(argv, environment)
        at = next(
            n for n, word in enumerate(argv) if word.endswith("-once") and n > argv.index("run")
        )
        return self.once(argv[at].removesuffix("-once"), argv[at + 1 :])


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have acts speak to the host whose turn it is."""

    def exchange(request: bytes, timeout_s: float) -> bytes:
        return Host.now.engine.exchange(request)

    def ask(path: Path, words: str, timeout_s: float) -> str:
        return Host.now.edge.exchange(path.name, words)

    really = command.run

    def run(argv: list[str], bound_s: float, environment: Any = None) -> command.Ran:
        if argv[0] != "docker":
            return really(argv, bound_s, environment)
        status, text = Host.now.program(argv, dict(environment or {}))
        return command.Ran(argv, status, text, "", bound_s)

    def probe(
        address: str, port: int, path: str, host: str, timeout_s: float, headers: Any
    ) -> gate.Answer:
        return Host.now.probe(address, path)

    write_atomic, rename = files.write_atomic, os.rename

    def write(path: Path, data: bytes, mode: int = 0o600, owner: tuple[int, int] = (0, 0)) -> None:
        Host.now.cross(f"before write: {path.name}")
        write_atomic(path, data, mode)
        Host.now.cross(f"after write: {path.name}")

    def move(old: Path, new: Path) -> None:
        Host.now.cross(f"before rename: {Path(new).name}")
        rename(old, new)
        Host.now.cross(f"after rename: {Path(new).name}")

    move_file = files.move

    def move_durably(old: Path, new: Path) -> None:
        Host.now.cross(f"before move: {new.name}")
        move_file(old, new)
        Host.now.cross(f"after move: {new.name}")

    monkeypatch.setattr(files, "move", move_durably)
    monkeypatch.setattr(docker, "_exchange", exchange)
    monkeypatch.setattr(docker, "composer", lambda: ["docker", "compose"])
    monkeypatch.setattr(docker, "in_parallel", lambda function, items: [function(i) for i in items])
    monkeypatch.setattr(edge, "exchange", ask)
    monkeypatch.setattr(command, "run", run)
    monkeypatch.setattr(gate, "probe", probe)
    monkeypatch.setattr(files, "write_atomic", write)
    monkeypatch.setattr(os, "rename", move)
    monkeypatch.setattr(store, "boot", lambda: (Host.now.boot, CLOCK.now_s))
    monkeypatch.setattr(look, "room", lambda root: dict(ROOM))
    # Nothing here has to outlive a power cut, and flushing to disk is half of an act's time.
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    for module in (docker, edge, gate, lease, main, stage, store, switch):
        monkeypatch.setattr(module, "time", CLOCK)
