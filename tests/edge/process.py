"""An edge or a balancer from the image that hosts run: its files, its process, and questions to it."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, TypeVar

from tests.render import edge_texts
from tests.support.certificates import self_signed
from tests.support.ports import PortTaken, on_free_ports
from tests.support.waiting import PATIENCE_S, wait_until

IMAGE = "delight-lab/haproxy:3.0"
UID = 10099
P = TypeVar("P", bound="Proxy")


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
class Proxy(ABC):
    """An HAProxy with its files below `root`; the ports on loopback are those of its last start."""

    root: Path
    port: int = 1
    tls_port: int = 2
    ready_port: int = 3
    changes: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def files(self) -> list[Path]:
        """Its files of configuration, in their order."""

    @property
    @abstractmethod
    def certificate(self) -> Path:
        """Where its certificate is, if it has one."""

    @abstractmethod
    def configure(self, **changes: Any) -> None:
        """Write haproxy.cfg with the role's defaults and these changes."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it answers anything."""

    def certify(self) -> str:
        """Put a self-signed certificate of its own where it looks for it; the PEM text without the key."""
        pair = self_signed(self.root)
        self.write(
            str(self.certificate.relative_to(self.root)),
            pair.certificate.read_text() + pair.key.read_text(),
        )
        return pair.certificate.read_text()

    def write(self, name: str, content: str) -> None:
        """Put a file where it is read."""
        (self.root / name).write_text(content)
        (self.root / name).chmod(0o644)

    def argv(self, *command: str) -> list[str]:
        """The command that runs haproxy in a container, hardened as on a host."""
        flags = [
            *("--rm", f"--name={self.root.name}", "--network=host"),
            f"--label=com.docker.compose.project={self.root.name}",
            *("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"),
            *(f"--user={UID}:{UID}", f"--volume={self.root}:{self.root}:ro"),
            *(f"--volume={self.root}/run:{self.root}/run", "--entrypoint=haproxy"),
        ]
        files = [word for file in self.files for word in ("-f", str(file))]
        return ["docker", "run", *flags, IMAGE, *command, *files]

    def complaint(self) -> str:
        """What `haproxy -c` says against the files; "" when it accepts them."""
        done = subprocess.run(
            self.argv("-c"), capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
        return "" if done.returncode == 0 else done.stderr + done.stdout

    def start(self) -> None:
        """Start it, on ports that are free, and wait until it answers."""
        on_free_ports(3, self._start)

    def _start(self, *ports: int) -> None:
        self.port, self.tls_port, self.ready_port = ports
        self.configure(**self.changes)
        master = f"{self.root}/run/master.sock,mode,600"
        with (self.root / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.argv("-W", "-db", "-S", master), stdout=log, stderr=subprocess.STDOUT
            )
        ended = self.process.poll
        wait_until(lambda: ended() is not None or self.answers(), f"{self.root}/log: it answers")
        if ended() is not None:
            said = self.logs()
            raise PortTaken(said) if "Address already in use" in said else AssertionError(said)

    def stop(self) -> None:
        """Remove the container, if there is one."""
        if self.process:
            command = ["docker", "rm", "--force", self.root.name]
            subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE_S)
            self.process.wait(PATIENCE_S)

    def logs(self) -> str:
        """All it printed."""
        return (self.root / "log").read_text()

    def ask(self, command: str, sock: str = "admin") -> str:
        """One command to a runtime socket."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            # The master listens a moment after its worker does.
            wait_until(
                lambda: client.connect_ex(f"{self.root}/run/{sock}.sock") == 0, f"{sock} listens"
            )
            client.sendall(command.encode() + b"\n")
            client.shutdown(socket.SHUT_WR)
            parts = []
            while part := client.recv(65536):
                parts.append(part)
        return b"".join(parts).decode()

    def get(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        port: int = 0,
        source: str = "127.0.0.1",
    ) -> Answer:
        """A GET on a new connection from a loopback address; no redirect is followed."""
        options: dict[str, Any] = {"timeout": PATIENCE_S, "source_address": (source, 0)}
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


class Edge(Proxy):
    """The edge of a host."""

    @property
    def files(self) -> list[Path]:
        return [self.root / "haproxy.cfg", self.root / "backends.cfg"]

    @property
    def certificate(self) -> Path:
        return self.root / "certificate.pem"

    def configure(self, **changes: Any) -> None:
        self.changes = changes
        settings: dict[str, Any] = {
            "edge_root": str(self.root),
            "edge_address": "127.0.0.1",
            "edge_binds": [f"127.0.0.1:{self.port}"],
            "edge_tls_binds": [f"127.0.0.1:{self.tls_port}"],
            "edge_ready_port": self.ready_port,
            "edge_maxconn": 2000,
        }
        self.write("haproxy.cfg", edge_texts.text("haproxy.cfg.j2", **settings | changes))

    def answers(self) -> bool:
        try:
            return self.get("/ready", port=self.ready_port).status in (200, 503)
        except OSError:
            return False

    def commit(self, name: str, entries: Mapping[str, str]) -> None:
        """Make these the entries of a map, file and runtime, as the release engine does."""
        lines = "".join(f"{key} {value}\n" for key, value in entries.items())
        self.write(name, lines)
        version = self.ask(f"prepare map {self.root}/{name}").split(":")[1].strip()
        if entries:
            assert not self.ask(f"add map @{version} {self.root}/{name} <<\n{lines}").strip()
        assert not self.ask(f"commit map @{version} {self.root}/{name}").strip()


class Balancer(Proxy):
    """The balancer in front of edges."""

    @property
    def files(self) -> list[Path]:
        return [self.root / "config/haproxy.cfg"]

    @property
    def certificate(self) -> Path:
        return self.root / "config/certificate.pem"

    def configure(self, **changes: Any) -> None:
        self.changes = changes
        settings: dict[str, Any] = {
            "_balancer_root": str(self.root),
            "_balancer_tls": False,
            "balancer_address": "127.0.0.1",
            "balancer_port": self.port,
            "balancer_tls_port": self.tls_port,
            "balancer_hosts": [],
        }
        self.write("config/haproxy.cfg", edge_texts.balancer(**settings | changes))

    def answers(self) -> bool:
        try:
            return self.get("/").status > 0
        except OSError:
            return False


@contextmanager
def proxy_folder(kind: type[P]) -> Iterator[P]:
    """One with haproxy.cfg and no process yet; all of it is gone at the end of the block."""
    # The container's user must be able to enter; pytest keeps its folders to itself.
    root = Path("/tmp") / f"edge-test-{uuid.uuid4().hex[:8]}"  # noqa: S108
    for folder, mode in ((root, 0o755), (root / "config", 0o755), (root / "run", 0o777)):
        folder.mkdir()
        folder.chmod(mode)
    proxy = kind(root)
    proxy.configure()
    try:
        yield proxy
    finally:
        proxy.stop()
        shutil.rmtree(root)
