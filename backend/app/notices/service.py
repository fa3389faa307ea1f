"""Promise, send, list and forget notices."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.notices.models import Notice, OutboxEntry
from app.worker.queue import Job, after_commit

WELCOME = "welcome"
PRUNED_AT_ONCE = 1000


class Promise(NamedTuple):
    """Who is to be told what."""

    user_id: UUID
    kind: str

    def job(self) -> Job:
        """The job that keeps it."""
        return Job("send_notice", {"user_id": str(self.user_id), "kind": self.kind})


async def promise(session: AsyncSession, user_id: UUID, kind: str) -> None:
    """Have it sent once, if this transaction commits: soon by the queue, else by the sweep."""
    statement = insert(OutboxEntry).values(user_id=user_id, kind=kind).on_conflict_do_nothing()
    await session.execute(statement)
    after_commit(session, Promise(user_id, kind).job())


async def send(session: AsyncSession, user_id: UUID, kind: str) -> bool:
    """Keep a promise: True if this did it, False if it is kept, being kept, or was taken back."""
    entry = await session.scalar(
        select(OutboxEntry)
        .where(
            OutboxEntry.user_id == user_id,
            OutboxEntry.kind == kind,
            OutboxEntry.sent_at.is_(None),
        )
        .with_for_update(skip_locked=True)
    )
    if entry is None:
        return False
    await session.execute(insert(Notice).values(user_id=user_id, kind=kind).inline())
    entry.sent_at = func.now()
    return True


async def overdue(session: AsyncSession, age: timedelta, limit: int) -> Sequence[Promise]:
    """The oldest promises that have not been kept for so long."""
    rows = await session.execute(
        select(OutboxEntry.user_id, OutboxEntry.kind)
        .where(OutboxEntry.sent_at.is_(None), OutboxEntry.created_at <= func.now() - age)
        .order_by(OutboxEntry.created_at)
        .limit(limit)
    )
    return [Promise(*row) for row in rows]


async def following(
    session: AsyncSession, user_id: UUID, last_id: int, limit: int
) -> Sequence[Notice]:
    """The user's first notices after that id; none that comes later can have a lower one."""
    rows = await session.scalars(
        select(Notice)
        .where(Notice.user_id == user_id, Notice.id > last_id)
        .order_by(Notice.id)
        .limit(limit)
    )
    return rows.all()


async def prune(session: AsyncSession, age: timedelta) -> None:
    """Remove some of the notices that are older."""
    old = select(Notice.id).where(Notice.created_at < func.now() - age).limit(PRUNED_AT_ONCE)
    await session.execute(delete(Notice).where(Notice.id.in_(old)))


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Remove all that was told or promised to the user."""
    await session.execute(delete(OutboxEntry).where(OutboxEntry.user_id == user_id))
    await session.execute(delete(Notice).where(Notice.user_id == user_id))
