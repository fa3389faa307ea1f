"""What the worker does. Every job may run twice, or at once with itself: the database decides."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select
from taskiq_redis import RedisStreamBroker

from app.db import models  # noqa: F401 (tables refer to others that no job uses)
from app.db.session import Sessions
from app.notices import service as notices
from app.notices.service import Promise
from app.worker.broker import forget_consumers
from app.worker.queue import Queue
from app.worker.settings import WorkerSettings

logger = logging.getLogger("app.jobs")

# "dlt" in ASCII, then the purpose, as for the lock of the migrations.
SWEEP_LOCK = 0x646C74_02
SWEPT_AT_ONCE = 500


def register(
    broker: RedisStreamBroker, settings: WorkerSettings, sessions: Sessions, queue: Queue
) -> None:
    """Every job that this release knows, by name. A new one, or one whose arguments are others,
    takes a new SCHEMA."""

    @broker.task("send_notice")
    async def send_notice(user_id: UUID, kind: str) -> None:
        """Keep one promise of the outbox."""
        async with asyncio.timeout(settings.job_timeout), sessions.begin() as session:
            sent = await notices.send(session, user_id, kind)
        logger.info("notice %s: %s", kind, "sent" if sent else "nothing to do")

    @broker.task("sweep", schedule=[{"interval": settings.sweep_interval}], **queue.labels())
    async def sweep() -> None:
        """Put the jobs that got lost, remove what is old."""
        async with asyncio.timeout(settings.job_timeout):
            missed = await clean_up(sessions, settings)
            for promise in missed:
                await queue.put(promise.job())
            await forget_consumers(broker)
        if missed:
            logger.warning("%d notices were overdue and are queued again", len(missed))


async def clean_up(sessions: Sessions, settings: WorkerSettings) -> Sequence[Promise]:
    """Remove what is old; the promises that were not kept in time. A clean-up that another
    worker is still at is enough."""
    async with sessions.begin() as session:
        if not await session.scalar(select(func.pg_try_advisory_xact_lock(SWEEP_LOCK))):
            return ()
        await notices.prune(session, timedelta(days=settings.notices_kept_days))
        age = timedelta(seconds=settings.sweep_age)
        return await notices.overdue(session, age, SWEPT_AT_ONCE)
