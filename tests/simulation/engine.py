"""A stand-in for the Docker Engine of one host, asked in its own words: HTTP over its socket.

It knows what acts ask of it and answers as the real one does; `tests/image/test_stand_in.py` compares them.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from delight.host.addresses import FIRST_APP

Container = dict[str, Any]
HEALTHY, EXITS = "healthy", "exits"
STOPPED = {"Running": False, "Restarting": False, "ExitCode": 143}
SHOWN = ("Id", "Name", "State", "RestartCount", "Config")
GONE = (1, "the Docker daemon is gone")


@dataclass
class Engine:
    """Containers and images. `program` says what a container does once it runs: healthy or exits."""

    containers: dict[str, Container] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)  # images that a container of somebody uses
    program: Callable[[Container], str] = lambda container: HEALTHY
    log: str = ""
    away: bool = False  # the daemon is down: what runs goes on, nobody answers
    execs: dict[str, Container] = field(default_factory=dict)
    cross: Callable[[str], None] = lambda label: None

    # -- what happens to containers

    def add(self, name: str, **labels: str) -> Container:
        """Create a container and start it."""
        found = self.create(name, labels)
        self.start(found)
        return found

    def create(self, name: str, labels: dict[str, str]) -> Container:
        """A container that does not run yet, with its labels (service, slot, release, …)."""
        found: Container = {
            "Id": name,
            "Name": f"/{name}",
            "mine": {"app": FIRST_APP, **labels},
            "labels": {"delight.managed": "true", **{f"delight.{k}": v for k, v in labels.items()}},
            "State": {"Running": False, "Restarting": False, "ExitCode": 0},
            "RestartCount": 0,
            "Config": {},
            "policy": "no",
            "image": "",
            "begun": False,
        }
        self.containers[name] = found
        return found

    def start(self, container: Container) -> None:
        """Start it, its restarts counted anew; one that exits at once is gone again."""
        runs = self.program(container) == HEALTHY
        container.update(RestartCount=0, begun=True)
        container["State"].update(Running=runs, Restarting=False, ExitCode=0 if runs else 1)

    def restart(self, container: Container) -> None:
        """What Docker does by itself when a program ends that is to run."""
        count = container["RestartCount"] + 1
        self.start(container)
        container["RestartCount"] = count

    def pause(self, container: Container) -> None:
        """Its program has ended, and Docker will start it again in a moment, whatever its policy is by then."""
        container["State"].update(Running=True, Restarting=True)

    def reboot(self) -> None:
        """All stop; those start again that are to."""
        self.away = False
        for container in self.containers.values():
            was = container["State"]["Running"]
            container["State"].update(STOPPED)
            if was and container["policy"] == "unless-stopped":
                self.start(container)

    def running(self) -> set[str]:
        """Names of those that run."""
        return {name for name, one in self.containers.items() if one["State"]["Running"]}

    def policies(self) -> dict[str, str]:
        """{name: restart policy}."""
        return {name: one["policy"] for name, one in self.containers.items()}

    # -- its interface

    def exchange(self, request: bytes) -> bytes:
        """One HTTP request, one answer."""
        head, _, body = request.partition(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        what = f"engine: {method} {url.path}"
        looks = method == "GET"
        if not looks:
            self.cross(f"before {what}")
        if self.away:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
        status, document = self.answer(method, url.path, query, json.loads(body or b"null"))
        if not looks:
            self.cross(f"after {what}")
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        return f"HTTP/1.0 {status} -\r\n\r\n".encode() + text

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and document."""
        _, kind, *rest = path.split("/")
        if kind == "images":
            return self._image(method, unquote("/".join(rest)), query)
        if kind == "exec":
            return self._exec(method, rest)
        if rest == ["json"]:
            return 200, self._listed(json.loads(query["filters"])["label"])
        container = self.containers.get(rest[0])
        if container is None:
            return 404, {"message": f"No such container: {rest[0]}"}
        return self._container(method, rest[1:], container, query, body)

    def _container(
        self, method: str, verb: list[str], container: Container, query: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        running = container["State"]["Running"]
        match (method, verb):
            case ("GET", ["json"]):
                return 200, {name: container[name] for name in SHOWN}
            case ("GET", ["logs"]):
                return 200, self._logs(int(query["tail"])) if container["begun"] else b""
            case ("POST", ["start"]):
                if running:
                    return 304, b""
                self.start(container)
            case ("POST", ["stop"]):
                if not running:
                    return 304, b""
                container["State"].update(STOPPED)
            case ("POST", ["update"]):
                container["policy"] = body["RestartPolicy"]["Name"]
                return 200, {"Warnings": None}
            case ("POST", ["exec"]):
                if not running:
                    return 409, {"message": f"container {container['Id']} is not running"}
                name = f"exec-{len(self.execs)}"
                self.execs[name] = container
                return 201, {"Id": name}
            case ("DELETE", []):
                del self.containers[container["Id"]]
            case _:
                raise AssertionError(f"no act asks for {method} {verb} of a container")
        return 204, b""

    def _logs(self, count: int) -> bytes:
        """The last lines of the log, each in a frame of standard output."""
        lines = [line.encode() for line in self.log.splitlines(keepends=True)]
        return b"".join(b"\1\0\0\0" + len(one).to_bytes(4, "big") + one for one in lines[-count:])

    def _exec(self, method: str, rest: list[str]) -> tuple[int, Any]:
        name, verb = rest
        if (method, verb) == ("POST", "start"):
            if not self.execs[name]["State"]["Running"]:
                return 404, {"message": f"No such exec instance: {name}"}
            return 200, b""
        return 200, {"Running": False, "Pid": 0, "ExitCode": 0}

    def _listed(self, wanted: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "Id": name,
                "Names": [f"/{name}"],
                "State": state_of(one),
                "Status": "",
                "Labels": one["labels"],
            }
            for name, one in self.containers.items()
            if {f"{k}={v}" for k, v in one["labels"].items()} >= set(wanted)
        ]

    def _image(self, method: str, name: str, query: dict[str, str]) -> tuple[int, Any]:
        if method == "POST":
            self.images.add(query["fromImage"])
            return 200, b'{"status":"Downloaded"}\r\n'
        name = name.removesuffix("/json")
        if name not in self.images:
            return 404, {"message": f"No such image: {name}"}
        used = self.used | {one["image"] for one in self.containers.values()}
        if method == "DELETE" and name in used:
            return 409, {"message": f"conflict: unable to delete {name}: image is being used"}
        if method == "DELETE":
            self.images.discard(name)
        return 200, {"Id": name}

    # -- docker compose

    def compose_up(self, argv: list[str], variables: dict[str, str]) -> tuple[int, str]:
        """Create the services at the end of the command, then start them; status and output."""
        file = Path(argv[argv.index("--file") + 1])
        app = argv[argv.index("--project-name") + 1].split("-")[0]
        manifest = json.loads((file.parent / "release.json").read_text())
        created = {}
        for name in argv[argv.index("never") + 1 :]:
            service, slot, replica = name.rsplit("-", 2)
            labels = {
                "app": app,
                "service": service,
                "slot": slot,
                "replica": replica,
                "release": variables["RELEASE"],
                "fingerprint": manifest["services"][service]["fingerprint"],
            }
            image = manifest["services"][service]["image"]
            self.cross(f"before compose: {name}")
            if self.away:
                return GONE
            if image not in self.images:
                return 1, f"No such image: {image}"
            one = self.create(f"{app}-{service}-{slot}-{replica}", labels)
            one["image"] = image
            created[name] = one
            self.cross(f"created compose: {name}")
        for name, one in created.items():
            if self.away:
                return GONE
            self.start(one)
            self.cross(f"after compose: {name}")
        return 0, ""


def state_of(container: Container) -> str:
    """The one word for it in a list."""
    if container["State"]["Restarting"]:
        return "restarting"
    if container["State"]["Running"]:
        return "running"
    return "exited" if container["begun"] else "created"
