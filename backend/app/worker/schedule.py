"""Scheduled jobs: each worker has the schedule, and for each time one of them puts the job."""

import logging
import time

from redis.asyncio import Redis
from redis.exceptions import RedisError
from taskiq import AsyncBroker, ScheduledTask
from taskiq.exceptions import ScheduledTaskCancelledError
from taskiq.schedule_sources import LabelScheduleSource

logger = logging.getLogger("app.schedule")


class OnceForAll(LabelScheduleSource):
    """The schedules of the broker's tasks; Redis says who is the first in an interval."""

    def __init__(self, broker: AsyncBroker, redis: Redis) -> None:
        super().__init__(broker)
        self._redis = redis

    async def pre_send(self, task: ScheduledTask) -> None:
        """Claim this interval; ScheduledTaskCancelledError if another has, or nobody can."""
        seconds = int(str(task.interval))
        key = f"delight:tick:{task.task_name}:{int(time.time()) // seconds}"
        try:
            first = await self._redis.set(key, 1, nx=True, ex=2 * seconds)
        except (RedisError, OSError) as error:
            logger.warning("%s is put off: Redis: %s", task.task_name, type(error).__name__)
            first = None
        logger.debug("%s: %s", task.task_name, "claimed" if first else "left to others")
        if not first:
            raise ScheduledTaskCancelledError
