"""Say what keeps this release from working with these settings: `python -m app.check`.

One line for each problem, by the setting's name and with a way out, never with a value; exit status
1 if there is one. Lines that begin with `note` are no problems, except with `--strict`. It takes as
long as the slowest of the servers that are asked, and never longer than TIMEOUT.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from redis.asyncio import Redis
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.core.settings import ConfigurationError, Settings, load
from app.db.engine import database_url
from app.db.pending import heads
from app.db.reasons import explain_database
from app.db.revisions import pending, scripts
from app.health.checks import CheckFailedError, check_redis

TIMEOUT = 5.0  # seconds for each server


class Finding(NamedTuple):
    """A line; notes say what may be as wanted."""

    text: str
    is_note: bool = False

    def __str__(self) -> str:
        return f"{'note' if self.is_note else 'problem'}: {self.text}"


# What to do about a reason, by its words; the last resort is for all others.
WAYS_OUT = {
    "authentication failed": "check user and password; special characters must be %-encoded",
    "no such database": "create it, or correct the name at the end",
    "host name not found": "correct the host",
    "connection refused": "start the server, or correct host and port",
    "permission denied": "grant the user what is missing",
    "too many connections or out of resources": "raise max_connections, or lower DB_POOL_SIZE",
}
TOO_LONG = "not below GRACEFUL_TIMEOUT: a stop would cut the longest"
LAST_RESORT = "see that the server is up and can be reached from here"


def unusable(setting: str, reason: str) -> Finding:
    """The finding about a server that can't be used."""
    return Finding(f"{setting}: {reason}: {WAYS_OUT.get(reason, LAST_RESORT)}")


async def ask_database(settings: Settings) -> list[Finding]:
    """Connect, and compare the tables' version with this release's."""
    engine = create_async_engine(
        database_url(settings),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": TIMEOUT, "command_timeout": TIMEOUT},
    )

    def look(connection: Connection) -> list[Finding]:
        connection.execute(text("SELECT 1"))
        return judge_revisions(heads(connection))

    try:
        async with engine.connect() as connection:
            return await connection.run_sync(look)
    except Exception as error:
        return [unusable("DATABASE_URL", explain_database(error).text)]


def judge_revisions(applied: set[str]) -> list[Finding]:
    """Whether the tables are those that this release knows."""
    try:
        missing = pending(scripts(), applied)
    except LookupError as error:
        line = f"the database is ahead of this release, at {error.args[0]}: deploy a newer one"
        return [Finding(line, is_note=True)]
    if not missing:
        return []
    names = ", ".join(f"{revision.id} ({revision.kind})" for revision in missing)
    return [Finding(f"the database is behind: {names}: run alembic upgrade head", is_note=True)]


async def ask_redis(settings: Settings) -> list[Finding]:
    """Ping."""
    client: Redis = Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
    )
    try:
        async with client:
            await check_redis(client)
    except CheckFailedError as error:
        return [unusable("REDIS_URL", error.reason)]
    return []


def judge_settings(settings: Settings) -> list[Finding]:
    """What is set in a way that can be read and does not work, or not well."""
    found = []
    if settings.clerk_jwt_key is None and settings.jwks_url() is None:
        found.append(Finding("CLERK_JWT_KEY: not set, nor CLERK_ISSUER: nobody can sign in", True))
    if settings.clerk_secret_key is None:
        found.append(Finding("CLERK_SECRET_KEY: not set: the service will be degraded", True))
    if not settings.clerk_webhook_secret:
        found.append(Finding("CLERK_WEBHOOK_SECRET: not set: webhooks will get 503", True))
    for name, seconds in (
        ("REQUEST_TIMEOUT", settings.request_timeout),
        ("JOB_TIMEOUT", settings.job_timeout),
    ):
        if seconds >= settings.graceful_timeout:
            found.append(Finding(f"{name}: {TOO_LONG}"))
    return found


async def within(
    setting: str, ask: Callable[[Settings], Awaitable[list[Finding]]], settings: Settings
) -> list[Finding]:
    """What it finds, or that it did not answer in time."""
    task = asyncio.ensure_future(ask(settings))
    done, _ = await asyncio.wait({task}, timeout=TIMEOUT)
    if not done:
        # Not awaited: a driver may take long to give up a connection that is stuck.
        task.cancel()
        return [unusable(setting, f"no answer within {TIMEOUT:g} s")]
    return task.result()


async def check(settings: Settings) -> list[Finding]:
    """Everything that is found; all servers are asked at once."""
    answers = await asyncio.gather(
        within("DATABASE_URL", ask_database, settings), within("REDIS_URL", ask_redis, settings)
    )
    return [*judge_settings(settings), *answers[0], *answers[1]]


def main(argv: list[str]) -> int:
    """Print what is found and return the exit status."""
    try:
        settings = load(Settings)
    except ConfigurationError as error:
        for line in str(error).splitlines():
            print(Finding(line))
        return 1
    found = asyncio.run(check(settings))
    print("\n".join(map(str, found)) or "all is well")
    strict = "--strict" in argv
    return int(any(strict or not finding.is_note for finding in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
