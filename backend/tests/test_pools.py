"""The metrics of the pools of connections."""

from app.core.settings import Settings
from tests.backing import Redis, wait_until
from tests.process import http, service
from tests.worker import values_of


def pool_samples(text: str) -> dict[str, float]:
    """Values of the metrics about pools and Redis' errors."""
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines if name.startswith(("db_", "redis_"))}


def test_pools_are_measured(with_tables: Settings, redis: Redis) -> None:
    with service(values_of(with_tables)) as running:

        def measured() -> dict[str, float]:
            return pool_samples(running.metrics())

        assert (
            http.get(f"{running.url}/api/v1/health/detailed").json()["checks"]["redis"]["status"]
            == "connected"
        )
        before = measured()
        assert (before["db_pool_size"], before["db_pool_open"]) == (5, 1)
        assert before["db_pool_checked_out"] == 0
        assert before["db_pool_wait_seconds_count"] >= 1
        assert before["db_pool_timeouts_total"] == 0
        assert (before["redis_pool_idle"], before["redis_pool_checked_out"]) == (1, 0)
        assert before['redis_errors_total{kind="connection"}'] == 0
        with redis.stopped():

            def seen() -> bool:
                http.get(f"{running.url}/api/v1/health/detailed")
                return measured()['redis_errors_total{kind="connection"}'] > 0

            wait_until(seen, "the outage is counted")
