"""Ask each dependency whether it works: a check returns the status to report, or raises."""

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.reasons import Reason, causes, explain_os_error
from app.core.settings import Settings
from app.db.reasons import explain_database
from app.health.schemas import CheckStatus


class CheckFailedError(Exception):
    """A dependency does not work."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.text)
        self.reason = reason.text
        self.status: CheckStatus = "error" if reason.reached else "disconnected"


async def check_database(engine: AsyncEngine) -> CheckStatus:
    """Run a statement on a connection of the pool that requests use."""
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception as error:
        raise CheckFailedError(explain_database(error)) from error
    return "connected"


async def check_redis(client: Redis) -> CheckStatus:
    """Ping."""
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        raise CheckFailedError(_explain_redis(error)) from error
    return "connected"


async def check_clerk(settings: Settings) -> CheckStatus:
    """Is there a key? Clerk itself is not asked: its outage must not stop a deploy."""
    if settings.clerk_secret_key is None:
        raise CheckFailedError(Reason("CLERK_SECRET_KEY is not set", reached=True))
    return "configured"


async def configured() -> CheckStatus:
    """There is a key, which is all that is asked."""
    return "configured"


def _explain_redis(error: Exception) -> Reason:
    if isinstance(error, AuthenticationError):
        return Reason("authentication failed", reached=True)
    if isinstance(error, BusyLoadingError):
        return Reason("the server is loading its data")
    for cause in causes(error):
        if isinstance(cause, OSError):
            return explain_os_error(cause)
    if isinstance(error, RedisConnectionError | RedisTimeoutError):
        return Reason("connection lost")
    return Reason(type(error).__name__, reached=True)
