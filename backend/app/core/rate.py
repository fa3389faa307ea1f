"""Rate limits, counted in Redis for all processes; without Redis there are none."""

import asyncio
import logging
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from fastapi import Request
from redis.asyncio import Redis
from redis.exceptions import RedisError

from app.core.errors import TooManyRequestsError

logger = logging.getLogger("app.rate")

WINDOW = 60  # seconds
TIMEOUT = 0.5  # seconds that a request waits for Redis
PAUSE = 5.0  # seconds for which a Redis that does not work is left alone


class RateLimiter:
    """Counts per name and client address in windows of a minute."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
        self._paused_until = float("-inf")

    async def hit(self, request: Request, name: str, limit: int) -> None:
        """Count one; TooManyRequestsError from the one after `limit` on, until the window ends."""
        if self._clock() < self._paused_until:
            return
        key = f"rate:{name}:{client_address(request)}"
        try:
            async with asyncio.timeout(TIMEOUT):
                count, left = await self._count(key)
        except (RedisError, OSError) as error:
            self._paused_until = self._clock() + PAUSE
            logger.warning("no rate limits for %g s: Redis: %s", PAUSE, type(error).__name__)
            return
        if count > limit:
            raise TooManyRequestsError(retry_after=max(1, left))

    async def _count(self, key: str) -> tuple[int, int]:
        """The count with this one, and the seconds for which it is kept."""
        async with self._redis.pipeline(transaction=True) as steps:
            steps.set(key, 0, ex=WINDOW, nx=True)
            steps.incr(key)
            steps.ttl(key)
            _, count, left = await steps.execute()
        return count, left


def client_address(request: Request) -> str:
    """Who asks, as far as addresses tell: of IPv6 the network, as each host has 2^64 of them."""
    host = request.client.host if request.client else "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return host
