"""The service's commands as processes of their own, as a container runs them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from tests.backing import free_port, wait_until
from tests.conftest import BACKEND


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

    def __init__(self, values: Mapping[str, str], target: str = "app") -> None:
        self.port, self.metrics_port = free_port(), free_port()
        ports = {"PORT": str(self.port), "METRICS_PORT": str(self.metrics_port)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", target], cwd=BACKEND, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environment({"HOST": "127.0.0.1", **ports, **values}),
        )  # fmt: skip
        self.url = f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Is it up? Fails at once when the process has ended."""
        assert self.process.poll() is None, self.process.communicate()[0]
        try:
            return httpx.get(f"{self.url}/api/v1/health").status_code == 200
        except httpx.TransportError:
            return False

    def refuses(self) -> bool:
        """Has it closed its door?"""
        try:
            httpx.get(f"{self.url}/api/v1/health")
        except httpx.ConnectError:
            return True
        except httpx.TransportError:
            return False
        return False

    def end(self) -> tuple[int, list[dict[str, Any]]]:
        """Wait for its end: exit status and log lines."""
        output, _ = self.process.communicate(timeout=60)
        return self.process.returncode, lines_of(output)


@contextmanager
def service(values: Mapping[str, str], target: str = "app") -> Iterator[Service]:
    """A service for the length of the block."""
    running = Service(values, target)
    try:
        wait_until(running.answers, "the service answers")
        yield running
    finally:
        running.process.kill()
        running.process.communicate()
