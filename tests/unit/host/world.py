"""A host in memory: its Docker engine and its edge, as far as acts ask them. Files are real.

What stands in for them are `docker.call`, `docker.compose` and `Edge.ask`; everything above is the
code that runs on hosts.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from delight.host import addresses, docker, edge, gate, main

Container = dict[str, Any]


class Engine:
    """The containers and images of one host; `broken` says which replicas exit at once."""

    def __init__(self) -> None:
        self.containers: dict[str, Container] = {}
        self.images: set[str] = set()
        self.broken: Callable[[Container], bool] = lambda container: False

    def add(self, name: str, **labels: str) -> Container:
        """A container that runs, with its labels (service, slot, release, fingerprint, replica)."""
        found: Container = {
            "Id": name,
            "labels": {"delight.managed": "true", **{f"delight.{k}": v for k, v in labels.items()}},
            "State": {"Running": True, "ExitCode": 0},
            "RestartCount": 0,
            "policy": "no",
            "Config": {},
        }
        self.containers[name] = found
        if self.broken(found):
            found["State"] = {"Running": False, "ExitCode": 1}
        return found

    def running(self) -> set[str]:
        return {name for name, one in self.containers.items() if one["State"]["Running"]}

    def policies(self) -> dict[str, str]:
        return {name: one["policy"] for name, one in self.containers.items()}

    def call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        headers: Any = None,
        timeout_s: float = 60,
    ) -> bytes:
        """The engine's HTTP interface, for what acts ask of it."""
        _, kind, *rest = path.split("/")
        if kind == "images":
            return self._image(method, unquote("/".join(rest)), query or {})
        if rest == ["json"]:
            return json.dumps(self._listed(json.loads((query or {})["filters"])["label"])).encode()
        container = self.containers.get(rest[0])
        if container is None:
            raise docker.DockerError(f"{method} {path}: 404 no such container")
        match (method, rest[1:]):
            case ("GET", ["json"]):
                return json.dumps(container).encode()
            case ("POST", ["start"]):
                container["State"] = {"Running": True, "ExitCode": 0}
            case ("POST", ["stop"]):
                container["State"] = {"Running": False, "ExitCode": 143}
            case ("POST", ["update"]):
                container["policy"] = body["RestartPolicy"]["Name"]
            case ("DELETE", []):
                del self.containers[rest[0]]
            case _:
                raise AssertionError(f"no act asks for {method} {path}")
        return b""

    def _listed(self, wanted: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "Id": name,
                "Names": [f"/{name}"],
                "State": "running" if one["State"]["Running"] else "exited",
                "Status": "",
                "Labels": one["labels"],
            }
            for name, one in self.containers.items()
            if {f"{k}={v}" for k, v in one["labels"].items()} >= set(wanted)
        ]

    def _image(self, method: str, name: str, query: dict[str, str]) -> bytes:
        if method == "POST":
            self.images.add(query["fromImage"])
        elif method == "DELETE":
            self.images.discard(name)
        elif name.removesuffix("/json") not in self.images:
            raise docker.DockerError(f"GET {name}: 404 no such image")
        return b""

    def compose(self, argv: list[str], variables: dict[str, str]) -> None:
        """`docker compose up` of the services at the end of the command."""
        file = Path(argv[argv.index("--file") + 1])
        manifest = json.loads((file.parent / "release.json").read_text())
        for name in argv[argv.index("never") + 1 :]:
            service, _, replica = name.rpartition("-")
            labels = {"service": service, "slot": variables["SLOT"], "replica": replica}
            labels["fingerprint"] = manifest["services"][service]["fingerprint"]
            self.add(
                f"delight-{service}-{variables['SLOT']}-{replica}",
                release=variables["RELEASE"],
                **labels,
            )


class Maps:
    """The running edge of one host: its maps, and servers that it finds well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.maps: dict[str, dict[str, str]] = {}
        self._next: dict[str, str] = {}
        self.silent = False
        self.loaded = ""

    def ask(self, command: str, sock: str = "admin.sock", timeout_s: float = 10) -> str:
        """The answer to a runtime command."""
        if self.silent:
            raise edge.EdgeError("the edge does not answer")
        words = command.split()
        match words[:2]:
            case ["show", "map"]:
                entries = self.maps.get(words[2], {}).items()
                return "".join(f"0x1 {key} {value}\n" for key, value in entries)
            case ["prepare", "map"]:
                self._next = {}
                return "New version created: 1"
            case ["add", "map"]:
                self._next |= edge.parse_map(command.partition("<<\n")[2])
            case ["commit", "map"]:
                self.maps[words[3]] = self._next
            case ["show", "stat"]:
                return self._stat()
            case ["reload"]:
                self.loaded = edge.name_of((self.folder / "backends.cfg").read_text())
                return "Success=1"
            case ["get", "var"]:
                return f"proc.backends: type=str value=<{self.loaded}>"
        return ""

    def _stat(self) -> str:
        rows = ["# pxname,svname,status,check_status,scur"]
        name = ""
        for line in (self.folder / "backends.cfg").read_text().splitlines():
            if found := re.match(r"backend (\S+)", line):
                name = found[1]
            elif found := re.match(r"  server (\S+) ", line):
                rows.append(f"{name},{found[1]},UP,L7OK,0")
        return "\n".join(rows)


class Host:
    """One host: `root` is its release folder, `act` what a controller asks it to do."""

    now: Host  # the one whose act runs

    def __init__(self, root: Path) -> None:
        self.root = root
        self.engine = Engine()
        (root / "edge").mkdir(parents=True)
        self.edge = Maps(root / "edge")
        for name in ("live.map", "pool.map", "backends.cfg"):
            (root / "edge" / name).write_text("")

    def act(self, name: str, **params: Any) -> dict[str, Any]:
        """One act, as its script on the host would perform it."""
        Host.now = self
        said = json.dumps({"root": str(self.root), "lock_wait_s": 0, **params})
        return main.perform(name, json.loads(said))

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
        found = self.edge.maps.get(str(self.root / "edge/live.map"), {})
        assert edge.parse_map((self.root / "edge/live.map").read_text()) == found
        return found


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have acts ask the host in memory whose turn it is."""

    def call(*args: Any, **more: Any) -> bytes:
        return Host.now.engine.call(*args, **more)

    def compose(*args: Any) -> None:
        Host.now.engine.compose(*args)

    def ask(self: edge.Edge, *args: Any, **more: Any) -> str:
        return Host.now.edge.ask(*args)

    monkeypatch.setattr(docker, "call", call)
    monkeypatch.setattr(docker, "compose", compose)
    monkeypatch.setattr(docker, "logs", lambda container, lines: "")
    monkeypatch.setattr(edge.Edge, "ask", ask)
    monkeypatch.setattr(edge.Edge, "_check", lambda self, text: None)
    monkeypatch.setattr(gate, "probe", probe)
    # Nothing here has to outlive a power cut, and flushing to disk is half of an act's time.
    monkeypatch.setattr(os, "fsync", lambda fd: None)


def probe(address: str, port: int, path: str, host: str, timeout_s: float) -> gate.Answer:
    """Every replica that runs answers as its own release."""
    for one in Host.now.engine.containers.values():
        labels = {key.removeprefix("delight."): value for key, value in one["labels"].items()}
        if one["State"]["Running"] and address_of(labels) == address:
            return gate.Answer(200, json.dumps({"release": labels["release"]}))
    return gate.Answer(error="nobody is there")


def address_of(labels: dict[str, str]) -> str:
    """Where a container of a slot lives, by the release that it belongs to."""
    file = Host.now.root / "releases" / labels.get("release", "") / "release.json"
    if labels.get("slot") not in addresses.SLOT_DIGITS or not file.exists():
        return ""
    manifest = json.loads(file.read_text())
    index = manifest["services"][labels["service"]]["index"]
    digit = addresses.SLOT_DIGITS[labels["slot"]]
    return addresses.address(manifest["subnet"], index, digit, int(labels["replica"]))
