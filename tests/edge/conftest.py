"""An edge from the image that hosts run, on loopback, before two replicas of the test application."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from lab import engine, images
from tests.render.edge_texts import ROOT, backends, slot, text

IMAGE = "delight-lab/haproxy:3.0"
UID = 10099
PATIENCE_S = 60


def free_ports(count: int) -> list[int]:
    """Different loopback ports that nobody listens on."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def until(condition: Callable[[], bool], what: str) -> None:
    """Ask until it is so; fail with `what` when it never gets so."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.02)


@dataclass
class Answer:
    """What a client got."""

    status: int
    headers: Message
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        """The application's JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Edge:
    """A running edge below `root`; `port` of the users, `tls_port`, `ready_port`."""

    root: Path
    port: int
    tls_port: int
    ready_port: int
    container: str = field(default_factory=lambda: f"edge-test-{uuid.uuid4().hex[:8]}")

    def write(self, name: str, content: str) -> None:
        """Put a file where the edge reads it."""
        (self.root / name).write_text(content)
        (self.root / name).chmod(0o644)

    def configure(self, **changes: Any) -> None:
        """Write haproxy.cfg with the role's defaults and these changes."""
        settings: dict[str, Any] = {
            "edge_root": str(self.root),
            "edge_address": "127.0.0.1",
            "edge_binds": [f"127.0.0.1:{self.port}"],
            "edge_tls_binds": [f"127.0.0.1:{self.tls_port}"],
            "edge_ready_port": self.ready_port,
            "edge_maxconn": 2000,
        }
        self.write("haproxy.cfg", text("haproxy.cfg.j2", **settings | changes))

    def argv(self, *command: str) -> list[str]:
        """docker arguments of the edge's container, hardened as on a host."""
        files = ["-f", f"{self.root}/haproxy.cfg", "-f", f"{self.root}/backends.cfg"]
        flags = [
            "--network=host",
            "--read-only",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
        ]
        flags += [f"--user={UID}:{UID}", f"--volume={self.root}:{self.root}:ro"]
        flags += [f"--volume={self.root}/run:{self.root}/run", "--entrypoint=haproxy"]
        return [*flags, IMAGE, *command, *files]

    def accepts(self) -> str:
        """What `haproxy -c` complains of; "" when it accepts the files."""
        done = subprocess.run(
            ["docker", "run", "--rm", *self.argv("-c")], capture_output=True, text=True, check=False
        )
        return "" if done.returncode == 0 else done.stderr + done.stdout

    def start(self) -> None:
        """Start it and wait until it answers."""
        master = f"{self.root}/run/master.sock,mode,600"
        command = ["docker", "run", "--detach", f"--name={self.container}"]
        subprocess.run(
            [*command, *self.argv("-W", "-db", "-S", master)], check=True, capture_output=True
        )
        until(self.answers, f"the edge answers: {self.logs()}")

    def stop(self) -> None:
        """Remove the container."""
        subprocess.run(
            ["docker", "rm", "--force", self.container], capture_output=True, check=False
        )

    def logs(self) -> str:
        """All it printed."""
        done = subprocess.run(
            ["docker", "logs", self.container], capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def answers(self) -> bool:
        """Whether readiness is answered at all."""
        try:
            return self.get("/ready", port=self.ready_port).status in (200, 503)
        except OSError:
            return False

    def ask(self, command: str, sock: str = "admin") -> str:
        """One command to a runtime socket."""
        with socket.socket(socket.AF_UNIX) as client:
            # The master listens a moment after its worker does.
            until(lambda: client.connect_ex(f"{self.root}/run/{sock}.sock") == 0, "it listens")
            client.sendall(command.encode() + b"\n")
            client.shutdown(socket.SHUT_WR)
            parts = []
            while part := client.recv(65536):
                parts.append(part)
        return b"".join(parts).decode()

    def commit(self, name: str, entries: dict[str, str]) -> None:
        """Make these the entries of a map, file and runtime, as the release engine does."""
        lines = "".join(f"{key} {value}\n" for key, value in entries.items())
        self.write(name, lines)
        version = self.ask(f"prepare map {self.root}/{name}").split(":")[1].strip()
        if entries:
            assert not self.ask(f"add map @{version} {self.root}/{name} <<\n{lines}").strip()
        assert not self.ask(f"commit map @{version} {self.root}/{name}").strip()

    def get(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        port: int = 0,
        source: str = "127.0.0.1",
    ) -> Answer:
        """A GET on a new connection from a loopback address; no redirect is followed."""
        options: dict[str, Any] = {"timeout": 20, "source_address": (source, 0)}
        client = http.client.HTTPConnection("127.0.0.1", port or self.port, **options)
        if port == self.tls_port:
            trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            client = http.client.HTTPSConnection("127.0.0.1", port, context=trusting, **options)
        try:
            client.request("GET", path, headers=dict(headers or {}))
            got = client.getresponse()
            return Answer(got.status, got.headers, got.read())
        finally:
            client.close()


@pytest.fixture(scope="session", autouse=True)
def lab_images() -> None:
    """An engine with the image of the edge."""
    engine.ensure()
    images.ensure()


@pytest.fixture(scope="session")
def replicas() -> Iterator[dict[str, int]]:
    """{slot: port} of two running applications, each a slot of one replica."""
    ports = dict(zip(("api-blue", "api-green"), free_ports(2), strict=True))
    processes = []
    for name, port in ports.items():
        settings = {"PORT": str(port), "RELEASE": name, "VERSION": "v1", "SLOT": name}
        app = [sys.executable, "-I", str(ROOT / "tests/fleet/app/app.py")]
        environment = os.environ | settings
        processes.append(subprocess.Popen(app, env=environment, stdout=subprocess.DEVNULL))
    try:
        yield ports
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture
def bare(tmp_path: Path, replicas: dict[str, int]) -> Iterator[Edge]:
    """An edge with files and no process yet; its slots are the replicas, nothing is routed."""
    # The container's user must be able to enter; pytest keeps its folders to itself.
    root = Path("/tmp") / f"edge-{uuid.uuid4().hex[:8]}"  # noqa: S108
    (root / "run").mkdir(parents=True)
    for folder, mode in ((root, 0o755), (root / "run", 0o777)):
        folder.chmod(mode)
    port, tls_port, ready_port = free_ports(3)
    edge = Edge(root, port, tls_port, ready_port)
    edge.configure()
    slots = (
        slot(name, "127.0.0.1", port=port, check_path="/health") for name, port in replicas.items()
    )
    edge.write("backends.cfg", backends(*slots))
    edge.write("live.map", "")
    edge.write("pool.map", "pool in\n")
    try:
        yield edge
    finally:
        edge.stop()
        shutil.rmtree(root)


@pytest.fixture
def edge(bare: Edge) -> Edge:
    """A running edge that serves everything from blue."""
    bare.write("live.map", "*/ api-blue\n")
    bare.write("pool.map", "pool in\nready yes\n")
    bare.start()
    return bare
