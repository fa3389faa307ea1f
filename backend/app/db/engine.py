"""The connection to PostgreSQL."""

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.core.settings import DatabaseSettings, Settings
from app.db.pool import ObservedPool


def database_url(settings: DatabaseSettings) -> URL:
    """The URL for SQLAlchemy: asyncpg as driver, libpq's `sslmode` under asyncpg's name `ssl`."""
    url = make_url(settings.database_url.get_secret_value())
    query = {("ssl" if key == "sslmode" else key): value for key, value in url.query.items()}
    return url.set(drivername="postgresql+asyncpg", query=query)


def create_engine(settings: Settings) -> AsyncEngine:
    """A pool that connects when first used and never holds more than `db_pool_size`.

    Each connection is tried before use, so that a restarted database costs no failed request.
    """
    return create_async_engine(
        database_url(settings),
        poolclass=ObservedPool,
        pool_size=settings.db_pool_size,
        max_overflow=0,
        pool_timeout=settings.health_timeout * 2,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "timeout": settings.health_timeout * 2,
            "server_settings": {"application_name": "delight-api"},
        },
    )
