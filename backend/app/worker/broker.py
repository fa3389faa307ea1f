"""The queue in Redis: streams with a group of consumers, by taskiq."""

import asyncio
from collections.abc import AsyncGenerator

from redis.asyncio import Redis
from taskiq import AckableMessage
from taskiq_redis import RedisStreamBroker

from app.core.settings import Settings
from app.worker.queue import SCHEMA, stream

GROUP = "workers"
# Jobs that a stream keeps, done or not; those that fall out are found by the sweep.
MAX_LENGTH = 10_000
AGAIN = 0.1  # seconds after which a lost cancellation is said again
BLOCK = 2.0  # seconds that a read waits for a job
GONE = 3600.0  # seconds after which a consumer that reads no more is forgotten
TIMEOUT = 5.0  # seconds to connect, or to get an answer beyond that wait


class Broker(RedisStreamBroker):
    """One that can always be told to stop reading.

    Taskiq does so by cancelling the read, once. Between two commands the client of Redis may lose
    a cancellation, and the read would then wait for the next job, hence the stop for ever.
    """

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """The jobs as they come."""
        jobs = super().listen()
        try:
            while True:
                read = asyncio.ensure_future(anext(jobs))
                try:
                    await asyncio.wait({read})
                except asyncio.CancelledError:
                    while not read.done():
                        read.cancel()
                        await asyncio.wait({read}, timeout=AGAIN)
                    if read.cancelled():
                        raise
                # Also one that came in spite of the cancellation: it is this worker's now.
                yield read.result()
        finally:
            await jobs.aclose()


def create_broker(settings: Settings, schema: int = SCHEMA) -> Broker:
    """Puts jobs of this schema, reads those of this and all older ones."""
    older = {stream(number): ">" for number in range(1, schema)}
    return Broker(
        settings.redis_url.get_secret_value(),
        queue_name=stream(schema),
        consumer_group_name=GROUP,
        # From the beginning: jobs may be put before the first worker starts.
        consumer_id="0",
        maxlen=MAX_LENGTH,
        # One at a time: what a worker has read and not begun would wait for its death.
        xread_count=1,
        xread_block=round(BLOCK * 1000),
        # A job whose worker has died goes to another.
        idle_timeout=round(settings.job_timeout * 2000),
        unacknowledged_lock_timeout=TIMEOUT,
        additional_streams=dict(older),
        socket_timeout=BLOCK + TIMEOUT,
        socket_connect_timeout=TIMEOUT,
    )


async def forget_consumers(broker: RedisStreamBroker, seconds: float = GONE) -> None:
    """Remove the names of processes that are gone: Redis keeps them for ever. Those that have jobs
    stay, until the jobs are taken over."""
    client: Redis = Redis(connection_pool=broker.connection_pool)
    for name in (broker.queue_name, *broker.additional_streams):
        for consumer in await client.xinfo_consumers(name, GROUP):
            if consumer["pending"] == 0 and consumer["idle"] > seconds * 1000:
                await client.xgroup_delconsumer(name, GROUP, consumer["name"])
