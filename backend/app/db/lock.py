"""One migration run at a time, whoever starts it and wherever."""

from collections.abc import Callable

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from app.core.settings import DatabaseSettings
from app.db.engine import database_url
from app.db.reasons import SQLSTATES, explain_database

# Any number that nothing else in this database uses; "dlt" in ASCII, then the purpose.
LOCK_KEY = 0x646C74_01
CONNECT_TIMEOUT = 10  # seconds


class LockedError(Exception):
    """Another run has held the lock for the whole wait."""


async def alone(settings: DatabaseSettings, work: Callable[[Connection], None]) -> None:
    """Run `work` on a connection that holds the advisory lock from before to after.

    The lock belongs to the session, hence ends with it, however the process ends. Raises
    LockedError when it is not free within `migration_wait` seconds.
    """
    engine = create_async_engine(
        database_url(settings),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "server_settings": {"application_name": "delight-migrate"},
        },
    )
    async with engine.connect() as connection:
        await _acquire(connection, settings.migration_wait)
        await _set(connection, "lock_timeout", settings.migration_lock_timeout)
        await _set(connection, "statement_timeout", settings.migration_statement_timeout)
        # Both settings and the lock outlive this transaction: the work begins its own.
        await connection.commit()
        await connection.run_sync(work)


async def _acquire(connection: AsyncConnection, seconds: float) -> None:
    await _set(connection, "lock_timeout", seconds)
    try:
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
    except DBAPIError as error:
        if explain_database(error) == SQLSTATES["55P03"]:
            raise LockedError(f"another migration is still running after {seconds:g} s") from None
        raise


async def _set(connection: AsyncConnection, name: str, seconds: float) -> None:
    milliseconds = str(max(1, round(seconds * 1000)))
    await connection.execute(
        text("SELECT set_config(:name, :value, false)"), {"name": name, "value": milliseconds}
    )
