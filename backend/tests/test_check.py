"""`python -m app.check`: every problem by its setting, with a way out and without a secret."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from app import check
from app.core.settings import Settings
from tests.backing import PASSWORD, Postgres, Redis
from tests.process import command
from tests.svix import SECRET
from tests.tokens import public_pem

Check = Callable[..., tuple[int, str]]


@pytest.fixture
def values(with_tables: Settings) -> dict[str, str]:
    """The environment of a service with which all is well."""
    return {
        "DATABASE_URL": with_tables.database_url.get_secret_value(),
        "REDIS_URL": with_tables.redis_url.get_secret_value(),
        "CLERK_JWT_KEY": public_pem(),
        "CLERK_SECRET_KEY": "sk_test_hidden",
        "CLERK_WEBHOOK_SECRET": SECRET,
    }


def without_secrets(output: str) -> str:
    """The output, which must hold none."""
    assert not [word for word in (PASSWORD, "hidden", SECRET) if word in output]
    return output


@pytest.fixture
def run(
    values: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Check:
    """The command in this process, with changes to those values: exit status and stdout. An empty
    value unsets."""

    def run(*argv: str, **changes: str) -> tuple[int, str]:
        with monkeypatch.context() as patch:
            for name, value in (values | changes).items():
                patch.setenv(name, value)
            status = check.main(list(argv))
        out, err = capfd.readouterr()
        assert err == ""
        # A process that configures no logs would write these to stderr.
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
        return status, without_secrets(out)

    return run


def test_the_command_of_an_image(values: dict[str, str]) -> None:
    done = command("app.check", "--strict", **values)
    assert (done.returncode, done.stdout, done.stderr) == (0, "all is well\n", "")
    done = command("app.check", **values | {"DATABASE_URL": "mysql://u:hidden@h/d"})
    assert (done.returncode, done.stderr) == (1, "")
    assert without_secrets(done.stdout).startswith("problem: DATABASE_URL: must be a URL like ")


def test_all_is_well(run: Check) -> None:
    assert run("--strict") == (0, "all is well\n")


def test_every_wrong_setting(run: Check) -> None:
    status, output = run(DATABASE_URL="mysql://u:hidden@h/d", REDIS_URL="", PORT="x")
    assert status == 1
    assert output.splitlines() == [
        "problem: DATABASE_URL: must be a URL like postgresql://user:password@host:port/name",
        "problem: REDIS_URL is not set (nor REDIS_URL_FILE)",
        "problem: PORT: Input should be a valid integer, unable to parse string as an integer",
    ]


def test_every_server_that_cannot_be_used(run: Check, postgres: Postgres, redis: Redis) -> None:
    status, output = run(
        DATABASE_URL=postgres.url(password="hidden"), REDIS_URL=redis.url("hidden")
    )
    way = "authentication failed: check user and password; special characters must be %-encoded"
    assert status == 1
    assert output.splitlines() == [
        f"problem: DATABASE_URL: {way}",
        f"problem: REDIS_URL: {way}",
    ]
    status, output = run(
        DATABASE_URL="postgresql://u:hidden@127.0.0.1:1/d",
        REDIS_URL="redis://:hidden@127.0.0.1:1/0",
    )
    way = "connection refused: start the server, or correct host and port"
    assert status == 1
    assert output.splitlines() == [
        f"problem: DATABASE_URL: {way}",
        f"problem: REDIS_URL: {way}",
    ]
    status, output = run(
        DATABASE_URL=postgres.url("missing"), REDIS_URL="redis://nowhere.invalid/0"
    )
    assert output.splitlines() == [
        "problem: DATABASE_URL: no such database: create it, or correct the name at the end",
        "problem: REDIS_URL: host name not found: correct the host",
    ]


def test_servers_that_do_not_answer(
    run: Check, postgres: Postgres, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "TIMEOUT", 0.5)
    with postgres.frozen(), redis.frozen():
        status, output = run()
    lines = output.splitlines()
    assert status == 1
    assert [line.split(":")[1] for line in lines] == [" DATABASE_URL", " REDIS_URL"]
    assert all(check.LAST_RESORT in line for line in lines)


def test_a_database_that_is_behind(run: Check, postgres: Postgres, database: str) -> None:
    status, output = run(DATABASE_URL=postgres.url(database))
    assert status == 0
    assert output.startswith("note: the database is behind: 0001 (expand), 0002 (expand)")
    assert output.endswith(": run alembic upgrade head\n")
    assert run("--strict", DATABASE_URL=postgres.url(database))[0] == 1


def test_a_database_that_is_ahead(run: Check, postgres: Postgres, tables: str) -> None:
    postgres.sql("UPDATE alembic_version SET version_num = '9999'", tables)
    status, output = run()
    assert status == 0
    assert output == "note: the database is ahead of this release, at 9999: deploy a newer one\n"


def test_settings_that_do_not_work_together(run: Check) -> None:
    status, output = run(REQUEST_TIMEOUT="30", JOB_TIMEOUT="31", GRACEFUL_TIMEOUT="30")
    assert status == 1
    assert output.splitlines() == [
        "problem: REQUEST_TIMEOUT: not below GRACEFUL_TIMEOUT: a stop would cut the longest",
        "problem: JOB_TIMEOUT: not below GRACEFUL_TIMEOUT: a stop would cut the longest",
    ]
    status, output = run(CLERK_JWT_KEY="", CLERK_SECRET_KEY="", CLERK_WEBHOOK_SECRET="")
    assert status == 0
    assert [line.split(":")[1].strip() for line in output.splitlines()] == [
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
