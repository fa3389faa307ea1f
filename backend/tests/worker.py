"""The worker's command as a process, and jobs for it."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from app.core.settings import Settings
from app.worker.queue import Job, Queue
from tests.backing import wait_until
from tests.conftest import BACKEND
from tests.ports import early_end, on_free_ports
from tests.process import environment, http, lines_of
from tests.slow_jobs import OLD
from tests.tokens import public_pem

JOBS = "tests.slow_jobs"  # a worker that knows these too


class Worker:
    """A running `python -m app.worker`, or what stands in for it."""

    def __init__(
        self, values: Mapping[str, str], folder: Path, target: str, metrics_port: int
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.heartbeat, self._log = folder / "heartbeat", folder / "log"
        self.metrics_port = metrics_port
        own = {
            "HEARTBEAT_FILE": str(self.heartbeat),
            "METRICS_PORT": str(self.metrics_port),
            "HOST": "127.0.0.1",
            "MARKS": str(folder),
        }
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *target.split()], cwd=BACKEND, text=True, stdout=log,
                stderr=subprocess.STDOUT, env=environment({**own, **values}),
            )  # fmt: skip

    def log(self) -> str:
        """All that it has written so far."""
        return self._log.read_text()

    def metrics(self) -> str:
        """The text of /metrics."""
        return http.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text

    def is_well(self) -> bool:
        """Does its heartbeat say so? Fails at once when the process has ended."""
        if self.process.poll() is not None:
            raise early_end(self.log())
        return self.heartbeat.exists() and "healthy" in self.heartbeat.read_text()

    def end(self) -> tuple[int, list[dict[str, Any]]]:
        """Wait for its end: exit status and log lines."""
        return self.process.wait(60), lines_of(self.log())

    def kill(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()


def values_of(settings: Settings) -> dict[str, str]:
    """The environment of a worker whose sweep does not come by itself after the first."""
    return {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "CLERK_JWT_KEY": public_pem(),
        "RELEASE": "r-7",
        "SWEEP_INTERVAL": "3600",
    }


def put(settings: Settings, name: str, schema: int = OLD, **arguments: str) -> None:
    """Put a job as a process of that release does."""

    async def put() -> None:
        queue = Queue(settings, schema=schema)
        await queue.put(Job(name, arguments))
        await queue.close()

    asyncio.run(put())


@contextmanager
def worker(values: Mapping[str, str], folder: Path, target: str = "app.worker") -> Iterator[Worker]:
    """A worker for the length of the block."""
    with ExitStack() as stack:

        def start(metrics_port: int) -> Worker:
            running = Worker(values, folder, target, metrics_port)
            stack.callback(running.kill)
            wait_until(running.is_well, "the worker is well")
            return running

        yield on_free_ports(1, start)
