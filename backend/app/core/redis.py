"""The connection to Redis."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from app.core.settings import Settings


def create_redis(settings: Settings) -> Redis:
    """A client that connects when first used.

    Socket timeouts are twice the health check's own, so that a report names the check's bound.
    One immediate retry replaces a connection that the server has closed meanwhile.
    """
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        decode_responses=True,
        socket_timeout=settings.health_timeout * 2,
        socket_connect_timeout=settings.health_timeout * 2,
        retry=Retry(NoBackoff(), 1),
    )
