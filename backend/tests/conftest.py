"""Fixtures: the servers (once a run), a database (once a test), settings, the application."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import alembic.config
import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from redis import Redis

from app.core.settings import Settings
from app.main import create_app
from tests import backing, tokens

BACKEND = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """The bound of the coverage is for the whole suite: a part of it has none."""
    option = config.option
    by_path = config.args_source is pytest.Config.ArgsSource.ARGS
    if by_path or option.keyword or option.markexpr or option.lf:
        config.pluginmanager.getplugin("_cov").options.cov_fail_under = 0


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The loop that the service runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[backing.Postgres]:
    """A PostgreSQL server."""
    with backing.running(backing.Postgres) as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[backing.Redis]:
    """A Redis server."""
    with backing.running(backing.Redis) as server:
        yield server


@pytest.fixture
def database(postgres: backing.Postgres) -> Iterator[str]:
    """The name of an empty database."""
    with postgres.database() as name:
        yield name


@pytest.fixture(scope="session")
def migrated(postgres: backing.Postgres) -> Iterator[str]:
    """The name of a database with all tables, to make others from."""
    with postgres.database() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", postgres.url(name))
        alembic.config.main(["-c", str(BACKEND / "alembic.ini"), "upgrade", "head"])
        yield name


@pytest.fixture
def tables(postgres: backing.Postgres, migrated: str) -> Iterator[str]:
    """The name of a database with all tables and no row."""
    with postgres.database(migrated) as name:
        yield name


@pytest.fixture
def with_tables(settings: Settings, postgres: backing.Postgres, tables: str) -> Settings:
    """The settings, on a database with all tables."""
    return settings.model_copy(update={"database_url": SecretStr(postgres.url(tables))})


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting comes from the developer's shell or `.env`."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings(postgres: backing.Postgres, redis: backing.Redis) -> Settings:
    """Settings under which everything works; a dependency gets 10 s to answer; Redis is empty."""
    with Redis.from_url(redis.url()) as client:
        client.flushall()
    return Settings.model_validate(
        {
            "database_url": postgres.url(),
            "redis_url": redis.url(),
            "clerk_secret_key": "sk_test_planted",
            "clerk_jwt_key": tokens.public_pem(),
            "release": "r-1",
            "health_timeout": 10,
        }
    )


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that talks to the application in this process, which starts and stops around it."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield client


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with those settings."""
    async with client_of(create_app(settings)) as made:
        yield made
