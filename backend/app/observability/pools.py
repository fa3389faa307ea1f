"""What the pools of connections are doing: PostgreSQL's and Redis'."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from app.db.pool import ObservedPool

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from sqlalchemy.ext.asyncio import AsyncEngine

# Seconds; a free connection takes microseconds, a new one milliseconds, a busy pool longer.
WAITS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5)


def follow_database(engine: "AsyncEngine", registry: CollectorRegistry) -> None:
    """Size and use of the engine's pool, and how long borrowers wait."""
    pool = cast("ObservedPool", engine.sync_engine.pool)  # made so by create_engine
    waits = Histogram(
        "db_pool_wait_seconds",
        "Time from asking for a connection to having it, opening one included.",
        buckets=WAITS,
        registry=registry,
    )
    timeouts = Counter(
        "db_pool_timeouts", "Times that no connection came free in time.", registry=registry
    )

    def observe(seconds: float, in_time: bool) -> None:
        if in_time:
            waits.observe(seconds)
        else:
            timeouts.inc()

    pool.observer = observe
    registry.register(DatabasePool(pool))


def follow_redis(client: "Redis", registry: CollectorRegistry) -> None:
    """Use of the client's pool, and its errors by kind."""
    errors = Counter(
        "redis_errors",
        "Failed exchanges with Redis, each try counted.",
        ["kind"],
        registry=registry,
    )
    for kind in ("connection", "timeout", "answer"):
        errors.labels(kind)
    pool = client.connection_pool
    pool.connection_class = _counting(pool.connection_class, errors)
    registry.register(RedisPool(client))


class DatabasePool(Collector):
    """Asked when the metrics are."""

    def __init__(self, pool: ObservedPool) -> None:
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        """The pool as it is now."""
        values = {
            "size": ("Connections that the pool may hold.", self._pool.size()),
            "open": ("Connections that are open.", self._pool.size() + self._pool.overflow()),
            "checked_out": ("Connections in use.", self._pool.checkedout()),
        }
        for name, (text, value) in values.items():
            yield GaugeMetricFamily(f"db_pool_{name}", text, value)


class RedisPool(Collector):
    """Asked when the metrics are."""

    def __init__(self, client: "Redis") -> None:
        self._pool = client.connection_pool

    def collect(self) -> Iterator[Metric]:
        """The pool as it is now."""
        (idle, _), (used, _) = self._pool.get_connection_count()
        yield GaugeMetricFamily("redis_pool_idle", "Connections that are open and free.", idle)
        yield GaugeMetricFamily("redis_pool_checked_out", "Connections in use.", used)


def _counting(kind: Any, errors: Counter) -> Any:
    """The class of connections, counting what fails in it."""

    class CountingConnection(kind):  # type: ignore[misc]
        async def connect(self) -> None:
            try:
                await super().connect()
            except (RedisError, OSError) as error:
                _count(errors, error)
                raise

        async def read_response(self, *args: Any, **options: Any) -> Any:
            try:
                return await super().read_response(*args, **options)
            except (RedisError, OSError) as error:
                _count(errors, error)
                raise

    return CountingConnection


def _count(errors: Counter, error: Exception) -> None:
    if isinstance(error, RedisTimeoutError | TimeoutError):
        errors.labels("timeout").inc()
    elif isinstance(error, RedisConnectionError | OSError):
        errors.labels("connection").inc()
    else:
        errors.labels("answer").inc()
