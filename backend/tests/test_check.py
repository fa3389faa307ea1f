"""`python -m app.check`: every problem by its setting, with a way out and without a secret."""

import asyncio
import subprocess
from collections.abc import Callable

import pytest

from app import check
from app.core.settings import Settings
from tests.backing import PASSWORD, Postgres, Redis
from tests.process import command
from tests.svix import SECRET
from tests.tokens import public_pem

Check = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def values(with_tables: Settings) -> dict[str, str]:
    """The environment of a service with which all is well."""
    return {
        "DATABASE_URL": with_tables.database_url.get_secret_value(),
        "REDIS_URL": with_tables.redis_url.get_secret_value(),
        "CLERK_JWT_KEY": public_pem(),
        "CLERK_SECRET_KEY": "sk_hidden",
        "CLERK_WEBHOOK_SECRET": SECRET,
    }


@pytest.fixture
def run(values: dict[str, str]) -> Check:
    """The command with changes to those values; an empty one unsets."""

    def run(*argv: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        done = command("app.check", *argv, **(values | changes))
        assert done.stderr == ""
        assert not [word for word in (PASSWORD, "hidden", SECRET) if word in done.stdout]
        return done

    return run


def test_all_is_well(run: Check) -> None:
    done = run("--strict")
    assert (done.returncode, done.stdout) == (0, "all is well\n")


def test_every_wrong_setting(run: Check) -> None:
    done = run(DATABASE_URL="mysql://u:hidden@h/d", REDIS_URL="", PORT="x")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "problem: DATABASE_URL: must be a URL like postgresql://user:password@host:port/name",
        "problem: REDIS_URL is not set (nor REDIS_URL_FILE)",
        "problem: PORT: Input should be a valid integer, unable to parse string as an integer",
    ]


def test_every_server_that_cannot_be_used(run: Check, postgres: Postgres, redis: Redis) -> None:
    done = run(DATABASE_URL=postgres.url(password="hidden"), REDIS_URL=redis.url("hidden"))
    way = "authentication failed: check user and password; special characters must be %-encoded"
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"problem: DATABASE_URL: {way}",
        f"problem: REDIS_URL: {way}",
    ]
    done = run(
        DATABASE_URL="postgresql://u:hidden@127.0.0.1:1/d",
        REDIS_URL="redis://:hidden@127.0.0.1:1/0",
    )
    way = "connection refused: start the server, or correct host and port"
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"problem: DATABASE_URL: {way}",
        f"problem: REDIS_URL: {way}",
    ]
    done = run(DATABASE_URL=postgres.url("missing"), REDIS_URL="redis://nowhere.invalid/0")
    assert done.stdout.splitlines() == [
        "problem: DATABASE_URL: no such database: create it, or correct the name at the end",
        "problem: REDIS_URL: host name not found: correct the host",
    ]


def test_servers_that_do_not_answer(run: Check, postgres: Postgres, redis: Redis) -> None:
    with postgres.frozen(), redis.frozen():
        done = run()
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert [line.split(":")[1] for line in lines] == [" DATABASE_URL", " REDIS_URL"]
    assert all(check.LAST_RESORT in line for line in lines)


def test_a_database_that_is_behind(run: Check, postgres: Postgres, database: str) -> None:
    done = run(DATABASE_URL=postgres.url(database))
    assert done.returncode == 0
    assert done.stdout.startswith("note: the database is behind: 0001 (expand), 0002 (expand)")
    assert done.stdout.endswith(": run alembic upgrade head\n")
    assert run("--strict", DATABASE_URL=postgres.url(database)).returncode == 1


def test_a_database_that_is_ahead(run: Check, postgres: Postgres, tables: str) -> None:
    postgres.sql("UPDATE alembic_version SET version_num = '9999'", tables)
    done = run()
    assert done.returncode == 0
    assert done.stdout == (
        "note: the database is ahead of this release, at 9999: deploy a newer one\n"
    )


def test_settings_that_do_not_work_together(run: Check) -> None:
    done = run(REQUEST_TIMEOUT="30", JOB_TIMEOUT="31", GRACEFUL_TIMEOUT="30")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "problem: REQUEST_TIMEOUT: not below GRACEFUL_TIMEOUT: a stop would cut the longest",
        "problem: JOB_TIMEOUT: not below GRACEFUL_TIMEOUT: a stop would cut the longest",
    ]
    done = run(CLERK_JWT_KEY="", CLERK_SECRET_KEY="", CLERK_WEBHOOK_SECRET="")
    assert done.returncode == 0
    assert [line.split(":")[1].strip() for line in done.stdout.splitlines()] == [
        "CLERK_JWT_KEY", "CLERK_SECRET_KEY", "CLERK_WEBHOOK_SECRET",
    ]  # fmt: skip


async def never(_: Settings) -> list[check.Finding]:
    """A driver that waits for ever."""
    await asyncio.Event().wait()
    return []


@pytest.mark.anyio
async def test_a_driver_that_waits_for_ever(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "TIMEOUT", 0.01)
    [found] = await check.within("REDIS_URL", never, settings)
    assert str(found) == f"problem: REDIS_URL: no answer within 0.01 s: {check.LAST_RESORT}"
