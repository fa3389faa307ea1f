"""The open streams of the process: how many there may be, what they send, when they end."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from uuid import UUID

from fastapi.sse import format_sse_event
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import AppError, UnavailableError
from app.core.settings import Settings
from app.db.reasons import explain_database
from app.db.session import Sessions
from app.events.listener import Listener
from app.events.schemas import NoticeRead
from app.notices import service as notices

logger = logging.getLogger("app.events")

PAGE = 100  # notices read at once
RETRY_AFTER = 5  # seconds


class TooManyStreamsError(AppError):
    """The user has as many open streams as one may have."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_streams"
    sentence = "This user has too many open streams."

    def __init__(self) -> None:
        super().__init__({"Retry-After": str(RETRY_AFTER)})


class Streams:
    """Makes streams, and ends all of them when the process is told to stop."""

    def __init__(
        self,
        settings: Settings,
        sessions: Sessions,
        listener: Listener,
        registry: CollectorRegistry,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._listener = listener
        self._open: Counter[UUID] = Counter()
        self._ending = asyncio.Event()
        gauge = Gauge("events_streams_open", "Streams that are open.", registry=registry)
        gauge.set_function(self._open.total)

    def end(self) -> None:
        """End every stream after the event it is sending; no new one begins. Their clients connect
        again, to whoever serves then."""
        self._ending.set()

    @contextmanager
    def place(self, user_id: UUID) -> Iterator[None]:
        """Room for one stream of the user; UnavailableError or TooManyStreamsError if none."""
        if self._ending.is_set() or self._open.total() >= self._settings.events_max_streams:
            raise UnavailableError(RETRY_AFTER)
        if self._open[user_id] >= self._settings.events_max_streams_per_user:
            raise TooManyStreamsError
        self._open[user_id] += 1
        try:
            yield
        finally:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]

    async def events(self, user_id: UUID, last_id: int) -> AsyncIterator[bytes]:
        """The user's notices after that one, as they come; comments while none do."""
        end = time.monotonic() + self._settings.events_max_age
        yield format_sse_event(retry=self._settings.events_retry)
        with self._listener.waiting(user_id) as woken:
            while not self._ending.is_set() and time.monotonic() < end:
                # Cleared before the look: what comes during it sets it again.
                woken.clear()
                page = await self._following(user_id, last_id)
                for notice in page:
                    yield encode(notice)
                    last_id = notice.id
                    if self._ending.is_set():
                        return
                if len(page) < PAGE and not await self._wait(woken, end - time.monotonic()):
                    yield format_sse_event(comment="")

    async def _following(self, user_id: UUID, last_id: int) -> Sequence[NoticeRead]:
        """The next notices; none while the database can't be used. Holds a connection only here."""
        try:
            async with self._sessions() as session:
                found = await notices.following(session, user_id, last_id, PAGE)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("a stream waits for the database: %s", explain_database(error).text)
            return ()
        return [NoticeRead.model_validate(notice) for notice in found]

    async def _wait(self, woken: asyncio.Event, left: float) -> bool:
        """Until there is a reason to look, or for one heartbeat: False."""
        waits = {asyncio.create_task(event.wait()) for event in (woken, self._ending)}
        try:
            done, _ = await asyncio.wait(
                waits,
                timeout=max(0, min(self._settings.events_heartbeat, left)),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for wait in waits:
                wait.cancel()
        return bool(done)


def encode(notice: NoticeRead) -> bytes:
    """One event; its id is what a client comes back with."""
    return format_sse_event(event="notice", id=str(notice.id), data_str=notice.model_dump_json())
