"""Takes jobs from the queue and runs them, until told to stop."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from taskiq import AckableMessage, AsyncBroker, TaskiqMessage, TaskiqMiddleware, TaskiqResult
from taskiq.acks import AcknowledgeType
from taskiq.receiver import Receiver
from taskiq.utils import maybe_awaitable

from app.core import request_id
from app.core.reasons import causes

logger = logging.getLogger("app.worker")

PAUSE = 1.0  # seconds before a queue that does not work is asked again


class Running:
    """The jobs that run: taskiq forgets them when the connection to the queue breaks."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self.given_up = False

    async def end(self, grace: float) -> None:
        """Let them end, within so many seconds; then cancel them."""
        if self.tasks:
            logger.info("%d jobs are finished before the end", len(self.tasks))
            _, late = await asyncio.wait(self.tasks, timeout=grace)
            if late:
                logger.warning("%d jobs are given up after %g s", len(late), grace)
                self.give_up()
                await asyncio.wait(late, timeout=PAUSE)

    def give_up(self) -> None:
        """Cancel them; they are not done, so another worker takes them over."""
        self.given_up = True
        for task in self.tasks:
            task.cancel()


class TrackingReceiver(Receiver):
    """Tells what runs."""

    def __init__(self, broker: AsyncBroker, running: Running, limit: int) -> None:
        super().__init__(
            broker,
            max_async_tasks=limit,
            run_startup=True,  # makes the group of consumers, should Redis have lost it
            ack_type=AcknowledgeType.WHEN_EXECUTED,
            wait_tasks_timeout=0,
        )
        self._running = running

    async def callback(self, message: bytes | AckableMessage, raise_err: bool = False) -> None:
        """Run one job."""
        if (task := asyncio.current_task()) is not None:
            self._running.tasks.add(task)
            task.add_done_callback(self._running.tasks.discard)
        if isinstance(message, AckableMessage):
            message = AckableMessage(data=message.data, ack=partial(self._done, message.ack))
        await super().callback(message, raise_err)

    async def _done(self, ack: Callable[[], Awaitable[None] | None]) -> None:
        """Taskiq calls this for cancelled jobs too."""
        if not self._running.given_up:
            await maybe_awaitable(ack())


async def receive(broker: AsyncBroker, limit: int, stop: asyncio.Event, grace: float) -> None:
    """Run jobs, `limit` at once. After `stop` none is begun, and those that run get `grace`
    seconds; they are given up when this is cancelled."""
    running = Running()
    try:
        while not stop.is_set():
            try:
                await TrackingReceiver(broker, running, limit).listen(stop)
            except Exception as error:
                logger.warning("the queue does not work: %s", _explain(error))
                await _wait(stop, PAUSE)
        await running.end(grace)
    finally:
        running.give_up()


def _explain(error: BaseException) -> str:
    """The innermost type; texts may hold addresses."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(list(causes(error))[-1]).__name__


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


class Observer(TaskiqMiddleware):
    """Counts the jobs and gives their log lines the id of the request that wanted them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._jobs = Counter("jobs", "Jobs run.", ["job", "outcome"], registry=registry)
        self._duration = Histogram(
            "job_duration_seconds", "Time that a job took.", ["job"], registry=registry
        )
        self._in_progress = Gauge("jobs_in_progress", "Jobs being run.", registry=registry)

    def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        """Before each job, in its task."""
        request_id.current.set(message.labels.get("request_id") or message.task_id)
        self._in_progress.inc()
        message.labels["started"] = time.perf_counter()
        return message

    def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        """After each job, failed ones included."""
        self._in_progress.dec()
        self._jobs.labels(message.task_name, "failed" if result.is_err else "done").inc()
        elapsed = time.perf_counter() - message.labels["started"]
        self._duration.labels(message.task_name).observe(elapsed)
