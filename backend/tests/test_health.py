"""Health: what is said when all works, and when each dependency really does not."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest

from app import __version__, main
from app.core.settings import Settings
from app.health.monitor import HealthMonitor
from app.main import create_app
from tests.backing import PASSWORD, Postgres, Redis
from tests.conftest import client_of

pytestmark = pytest.mark.anyio
DETAILED = "/api/v1/health/detailed"


async def ask(settings: Settings) -> tuple[int, dict[str, Any]]:
    """Status and body of the detailed health of a new process; never a secret in either."""
    async with client_of(create_app(settings)) as client:
        answer = await client.get(DETAILED)
    for secret in settings.secret_values() | {PASSWORD}:
        assert secret not in answer.text
    return answer.status_code, answer.json()


async def test_brief_says_what_runs(client: httpx.AsyncClient) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    answer = await client.get("/api/v1/health")
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert body.keys() == {"status", "timestamp", "version", "release"}
    assert (body["status"], body["version"], body["release"]) == ("healthy", __version__, "r-1")
    assert body["timestamp"].endswith("Z")
    assert before <= datetime.fromisoformat(body["timestamp"]) <= datetime.now(UTC)


async def test_all_dependencies_work(settings: Settings) -> None:
    status, body = await ask(settings)
    assert status == 200
    assert body.keys() == {"status", "timestamp", "version", "release", "checks"}
    assert (body["status"], body["release"]) == ("healthy", "r-1")
    assert body["checks"]["clerk"] == {"status": "configured"}
    for name in ("database", "redis"):
        check = body["checks"][name]
        assert check.keys() == {"status", "response_time_ms"}
        assert check["status"] == "connected"
        assert check["response_time_ms"] >= 0


async def test_database_stopped(settings: Settings, postgres: Postgres) -> None:
    with postgres.stopped():
        status, body = await ask(settings)
    assert (status, body["status"]) == (503, "unhealthy")
    assert body["checks"]["database"]["status"] == "disconnected"
    assert body["checks"]["database"]["error"] == "connection refused"
    assert body["checks"]["redis"]["status"] == "connected"


async def test_redis_stopped(settings: Settings, redis: Redis) -> None:
    with redis.stopped():
        status, body = await ask(settings)
    assert (status, body["status"]) == (200, "degraded")
    assert body["checks"]["redis"]["status"] == "disconnected"
    assert body["checks"]["redis"]["error"] == "connection refused"
    assert body["checks"]["database"]["status"] == "connected"


@pytest.fixture
def hasty(settings: Settings) -> Settings:
    """The settings; a dependency gets 1.5 s to answer."""
    return settings.model_copy(update={"health_timeout": 1.5})


async def test_database_does_not_answer(hasty: Settings, postgres: Postgres) -> None:
    # The text says why the answer came when it did: the bound, not the server, ended the wait.
    with postgres.frozen():
        status, body = await ask(hasty)
    assert (status, body["status"]) == (503, "unhealthy")
    assert body["checks"]["database"]["status"] == "disconnected"
    assert body["checks"]["database"]["error"] == "no answer within 1.5 s"
    assert body["checks"]["redis"]["status"] == "connected"


async def test_redis_does_not_answer(hasty: Settings, redis: Redis) -> None:
    with redis.frozen():
        status, body = await ask(hasty)
    assert (status, body["status"]) == (200, "degraded")
    assert body["checks"]["redis"]["status"] == "disconnected"
    assert body["checks"]["redis"]["error"] == "no answer within 1.5 s"


async def test_process_outlives_an_outage(
    settings: Settings, postgres: Postgres, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An answer is kept no longer than it takes to ask again.
    monkeypatch.setattr(main, "HealthMonitor", partial(HealthMonitor, max_age=0.02))

    async def until(client: httpx.AsyncClient, status: str) -> None:
        async with asyncio.timeout(20):
            while (await client.get(DETAILED)).json()["status"] != status:
                await asyncio.sleep(0.02)

    async with client_of(create_app(settings)) as client:
        await until(client, "healthy")
        with postgres.stopped(), redis.stopped():
            await until(client, "unhealthy")
            assert (await client.get("/api/v1/health")).status_code == 200
        await until(client, "healthy")


async def test_clerk_not_configured(settings: Settings) -> None:
    status, body = await ask(settings.model_copy(update={"clerk_secret_key": None}))
    assert (status, body["status"]) == (200, "degraded")
    assert body["checks"]["clerk"] == {"status": "error", "error": "CLERK_SECRET_KEY is not set"}


@pytest.mark.parametrize(
    ("name", "value", "code", "reason"),
    [
        ("database_url", "{postgres_wrong}", 503, "authentication failed"),
        ("database_url", "{postgres}_missing", 503, "no such database"),
        ("redis_url", "{redis_wrong}", 200, "authentication failed"),
    ],
)
async def test_refused_by_a_dependency(
    settings: Settings,
    postgres: Postgres,
    redis: Redis,
    name: str,
    value: str,
    code: int,
    reason: str,
) -> None:
    text = value.format(
        postgres=postgres.url(),
        postgres_wrong=postgres.url(password="wr0ng-and-secret"),
        redis_wrong=redis.url(password="wr0ng-and-secret"),
    )
    changed = Settings.model_validate(
        {
            "database_url": settings.database_url,
            "redis_url": settings.redis_url,
            "clerk_secret_key": settings.clerk_secret_key,
            "health_timeout": settings.health_timeout,
            name: text,
        }
    )
    status, body = await ask(changed)
    check = body["checks"][name.removesuffix("_url")]
    assert (status, check["status"], check["error"]) == (code, "error", reason)


async def test_host_not_found(settings: Settings) -> None:
    changed = Settings.model_validate(
        {
            "database_url": "postgresql://u:hidden-word@nowhere.invalid/x",
            "redis_url": "redis://:hidden-word@nowhere.invalid",
            "health_timeout": 5,
        }
    )
    status, body = await ask(changed)
    assert status == 503
    for name in ("database", "redis"):
        check = body["checks"][name]
        assert (check["status"], check["error"]) == ("disconnected", "host name not found")


async def test_pool_is_busy(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"db_pool_size": 1, "health_timeout": 0.3}))
    async with client_of(app) as client, app.state.engine.connect():
        answer = await client.get(DETAILED)
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"]["error"] == "no answer within 0.3 s"
