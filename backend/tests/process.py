"""The service's commands as processes of their own, as a container runs them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from typing import Any

import httpx

from tests.backing import wait_until
from tests.conftest import BACKEND
from tests.ports import early_end, on_free_ports

# One client for all requests: each `httpx.get` would read the certificates of all authorities. It
# keeps no connections, so each request says whether the service still accepts one.
http = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))


def unmeasured(values: Mapping[str, str]) -> dict[str, str]:
    """What a container would have."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(BACKEND), **values}


def environment(values: Mapping[str, str]) -> dict[str, str]:
    """What a container would have, and what coverage needs to follow into the process."""
    followed = {name: value for name, value in os.environ.items() if name.startswith("COV")}
    return unmeasured({**followed, **values})


def command(*argv: str, **values: str) -> "subprocess.CompletedProcess[str]":
    """Run `python -m …` in the backend's folder."""
    return subprocess.run(
        [sys.executable, "-m", *argv], cwd=BACKEND, env=environment(values), text=True,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip


def lines_of(output: str) -> list[dict[str, Any]]:
    """Log lines; fails at one that is none."""
    return [json.loads(line) for line in output.splitlines()]


class Service:
    """A running `python -m app`."""

    def __init__(
        self, values: Mapping[str, str], target: str, port: int, metrics_port: int
    ) -> None:
        self.port, self.metrics_port = port, metrics_port
        own = {"HOST": "127.0.0.1", "PORT": str(port), "METRICS_PORT": str(metrics_port)}
        # A pipe would hold 64 KiB, and then the service, until somebody reads.
        self._log = TemporaryFile()  # noqa: SIM115 (closed by kill)
        self.process = subprocess.Popen(
            [sys.executable, "-m", target], cwd=BACKEND, stdout=self._log,
            stderr=subprocess.STDOUT, env=environment({**own, **values}),
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{self.port}"

    def log(self) -> str:
        """All that it has written so far."""
        file = self._log.fileno()
        return os.pread(file, os.fstat(file).st_size, 0).decode()

    def answers(self) -> bool:
        """Is it up? Fails at once when the process has ended."""
        if self.process.poll() is not None:
            raise early_end(self.log())
        try:
            return http.get(f"{self.url}/api/v1/health").status_code == 200
        except httpx.TransportError:
            return False

    def refuses(self) -> bool:
        """Has it closed its door?"""
        try:
            http.get(f"{self.url}/api/v1/health")
        except httpx.ConnectError:
            return True
        except httpx.TransportError:
            return False
        return False

    def metrics(self) -> str:
        """The text of /metrics."""
        return http.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text

    def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        [line] = [line for line in self.metrics().splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])

    def end(self) -> tuple[int, list[dict[str, Any]]]:
        """Wait for its end: exit status and log lines."""
        return self.process.wait(60), lines_of(self.log())

    def kill(self) -> None:
        """End it, whatever it does, and forget what it has written."""
        self.process.kill()
        self.process.wait()
        self._log.close()


@contextmanager
def service(values: Mapping[str, str], target: str = "app") -> Iterator[Service]:
    """A service for the length of the block."""
    with ExitStack() as stack:

        def start(port: int, metrics_port: int) -> Service:
            running = Service(values, target, port, metrics_port)
            stack.callback(running.kill)
            wait_until(running.answers, "the service answers")
            return running

        yield on_free_ports(2, start)
