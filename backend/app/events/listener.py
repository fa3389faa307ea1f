"""Wakes the streams of a user when the database says that there is something for them."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.core.settings import Settings
from app.db.engine import database_url
from app.db.reasons import explain_database

logger = logging.getLogger("app.events")

CHANNEL = "notices"
PAUSE = 1.0  # seconds before a lost connection is made anew
PROBE = 15.0  # seconds between two questions whether the connection still is one


class Listener:
    """One connection of the process, beside the pool, on which PostgreSQL's NOTIFY comes in.

    It only says when to look: what there is to see is in the table. Every stream is woken when the
    connection is made, since nobody knows what was missed before.
    """

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.health_timeout * 2
        self._engine = create_async_engine(
            database_url(settings),
            poolclass=NullPool,
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",
            connect_args={
                "timeout": self._timeout,
                "command_timeout": self._timeout,
                "server_settings": {"application_name": "delight-events"},
            },
        )
        self._woken: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def waiting(self, user_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever there may be something new for the user."""
        if self._task is None:
            # A process without streams needs no connection.
            self._task = asyncio.create_task(self._run())
        event = asyncio.Event()
        self._woken[user_id].add(event)
        try:
            yield event
        finally:
            self._woken[user_id].discard(event)
            if not self._woken[user_id]:
                del self._woken[user_id]

    async def close(self) -> None:
        """Give up the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._engine.dispose()

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except (SQLAlchemyError, OSError) as error:
                logger.warning("notices come late: %s", explain_database(error).text)
            await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        """Until the connection is lost."""
        async with self._engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            lost = asyncio.Event()
            driver.add_termination_listener(lambda _: lost.set())
            await driver.add_listener(CHANNEL, self._hear)
            for user_id in list(self._woken):
                self._wake(user_id)
            while not lost.is_set():
                try:
                    async with asyncio.timeout(PROBE):
                        await lost.wait()
                except TimeoutError:
                    await connection.exec_driver_sql("SELECT 1")

    def _hear(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        try:
            self._wake(UUID(str(payload)))
        except ValueError:
            logger.warning("a notification that is no user's id")

    def _wake(self, user_id: UUID) -> None:
        for event in self._woken.get(user_id, ()):
            event.set()
