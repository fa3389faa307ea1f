"""The worker with jobs that let the tests decide when they end; imports no more than it needs."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from taskiq_redis import RedisStreamBroker

from app.core.settings import Settings
from app.start import main
from app.worker import heartbeat, jobs, process, receiver

OLD, NEW = 1, 2  # schemas: what the release in hand knows, and what the one after it does


async def slow(mark: str) -> None:
    """Leave a mark `begun`, wait for a mark `go`, leave a mark `done`."""
    folder = Path(os.environ["MARKS"])
    (folder / f"{mark}.begun").touch()
    while not (folder / f"{mark}.go").exists():
        await asyncio.sleep(0.01)
    (folder / f"{mark}.done").touch()


async def fail() -> None:
    """A job with a mistake."""
    raise RuntimeError("planted mistake")


def register(broker: RedisStreamBroker, *others: Any) -> None:
    """The real jobs and these."""
    jobs.register(broker, *others)
    broker.register_task(slow, "slow")
    broker.register_task(fail, "fail")


def run(settings: Settings) -> None:
    """Work with these jobs too; as the next release if $SCHEMA says so."""
    heartbeat.INTERVAL = receiver.PAUSE = 0.1  # so that outages and their ends are seen soon
    process.run(settings, int(os.environ.get("SCHEMA", OLD)), register)


if __name__ == "__main__":
    sys.exit(main("tests.slow_jobs"))
