"""The queue as those see it who put jobs into it.

A job is a hint: the database says what is to be done, a sweep finds what no job was put for. So a
queue that does not work makes no request fail, only its work later.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import request_id

if TYPE_CHECKING:
    from taskiq_redis import RedisStreamBroker

    from app.core.settings import Settings

logger = logging.getLogger("app.queue")

# Of the jobs' names and arguments; one more whenever a worker of the release before could not run
# them. Each schema has a stream of its own, which workers read from theirs down: a newer job waits
# for a newer worker while both releases run, and an older job is still known.
SCHEMA = 1
TIMEOUT = 2  # seconds to put a job
WANTED = "jobs"  # in the info of a session


class Job(NamedTuple):
    """Something to do, by name; the arguments are JSON."""

    name: str
    arguments: dict[str, str]


def after_commit(session: AsyncSession, job: Job) -> None:
    """Put the job when the transaction is committed, not before and not else."""
    session.info.setdefault(WANTED, []).append(job)


def stream(schema: int) -> str:
    """The name of the stream in Redis."""
    return f"delight:jobs:{schema}"


class Queue:
    """Puts jobs. Taskiq is imported for the first one, in a thread: most processes need none."""

    def __init__(
        self,
        settings: "Settings",
        broker: "RedisStreamBroker | None" = None,
        schema: int = SCHEMA,
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._schema = schema
        self._owned = broker is None
        self._lock = asyncio.Lock()
        self._under_way: set[asyncio.Task[None]] = set()

    def put_soon(self, jobs: Iterable[Job]) -> None:
        """Put them behind the caller's back; a failure is a line in the log."""
        for job in jobs:
            task = asyncio.create_task(self._try(job))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def put(self, job: Job) -> None:
        """Put it; taskiq's SendTaskError or TimeoutError."""
        broker = await self._connected()
        from taskiq.kicker import AsyncKicker

        labels: dict[str, Any] = {
            "schema": self._schema,
            "request_id": request_id.current.get() or "",
        }
        async with asyncio.timeout(TIMEOUT):
            kicker: AsyncKicker[..., Any] = AsyncKicker(job.name, broker, labels)
            await kicker.kiq(**job.arguments)

    def labels(self) -> dict[str, Any]:
        """What every job says of itself."""
        return {"schema": self._schema}

    async def close(self) -> None:
        """Finish what is under way, which is bounded, and disconnect."""
        await asyncio.gather(*self._under_way)
        if self._broker is not None and self._owned:
            await self._broker.shutdown()

    async def _try(self, job: Job) -> None:
        try:
            await self.put(job)
        except Exception as error:
            cause = error.__cause__ or error
            logger.warning("job %s is left to the sweep: %s", job.name, type(cause).__name__)

    async def _connected(self) -> "RedisStreamBroker":
        async with self._lock:
            if self._broker is None:
                self._broker = await asyncio.to_thread(self._create)
        return self._broker

    def _create(self) -> "RedisStreamBroker":
        from app.worker.broker import create_broker

        return create_broker(self._settings, self._schema)
