"""The fleet's test application as a process on this machine, to be a slot's replica."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.render.edge_texts import ROOT
from tests.support.ports import PortTaken, on_free_ports
from tests.support.waiting import PATIENCE_S, wait_until


@dataclass
class Application:
    """A running application that calls its release `name`; `log` is all it printed."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the whole process stand still inside the block."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextmanager
def application(name: str, **more: str) -> Iterator[Application]:
    """One that listens, with `more` in its environment; it is killed at the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        app = on_free_ports(1, lambda port: _start(name, port, Path(folder) / "log", more))
        try:
            yield app
        finally:
            _kill(app.process)


def _start(name: str, port: int, log: Path, more: dict[str, str]) -> Application:
    settings = {"PORT": str(port), "RELEASE": name, "VERSION": "v1", "SLOT": name, **more}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-I", str(ROOT / "tests/fleet/app/app.py")],
            env=os.environ | settings,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(
            lambda: '"listening"' in log.read_text() or process.poll() is not None,
            f"{name} listens",
        )
        if process.poll() is not None:
            said = log.read_text()
            raise (
                PortTaken(said)
                if "address already in use" in said.lower()
                else AssertionError(said)
            )
    except BaseException:
        _kill(process)
        raise
    return Application(name, port, process, log)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(PATIENCE_S)
