"""Rate limits: per address, in Redis, and none without it."""

import asyncio

import pytest
import redis.asyncio
from fastapi import Request

from app.core import rate
from app.core.errors import TooManyRequestsError
from app.core.rate import RateLimiter, client_address
from app.core.redis import create_redis
from app.core.settings import Settings
from app.main import create_app
from tests.backing import Redis
from tests.conftest import client_of
from tests.tokens import signed_in

pytestmark = pytest.mark.anyio
ME = "/api/v1/users/me"
WRONG = {"Authorization": "Bearer wrong"}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine is no Redis that is down."""
    monkeypatch.setattr(rate, "TIMEOUT", 30)


def request_from(host: str | None) -> Request:
    """A request from that address."""
    return Request({"type": "http", "headers": [], "client": host and (host, 1)})


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("unix", "unix"),
        (None, "unknown"),
    ],
)
def test_who_is_counted(host: str | None, counted: str) -> None:
    assert client_address(request_from(host)) == counted


async def test_failed_sign_ins(with_tables: Settings) -> None:
    few = with_tables.model_copy(update={"sign_in_failures": 3})
    async with client_of(create_app(few)) as client:
        answers = [await client.get(ME, headers=WRONG) for _ in range(5)]
        # Neighbours with a valid token, or with none at all, are not held back.
        assert (await client.get(ME, headers=signed_in())).status_code == 200
        assert (await client.get(ME)).status_code == 401
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert answers[-1].json()["code"] == "too_many_requests"
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert 0 < int(answers[-1].headers["retry-after"]) <= rate.WINDOW


async def test_the_webhook(with_tables: Settings) -> None:
    few = with_tables.model_copy(update={"webhook_rate": 2})
    async with client_of(create_app(few)) as client:
        answers = [await client.post("/api/v1/webhooks/clerk") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 429]


async def test_processes_count_together_and_windows_end(settings: Settings) -> None:
    url = settings.redis_url.get_secret_value()
    async with redis.asyncio.from_url(url) as one, redis.asyncio.from_url(url) as other:
        here, there = RateLimiter(one), RateLimiter(other)
        ada, bob = request_from("192.0.2.1"), request_from("192.0.2.2")
        await here.hit(ada, "x", 1)
        await there.hit(bob, "x", 1)
        await there.hit(ada, "y", 1)
        with pytest.raises(TooManyRequestsError):
            await there.hit(ada, "x", 1)
        # A count outlives its window in no case; this one ends now.
        key = "rate:x:192.0.2.1"
        assert 0 < await one.ttl(key) <= rate.WINDOW
        await one.pexpire(key, 1)
        while await one.exists(key):
            await asyncio.sleep(0.01)
        await there.hit(ada, "x", 1)


@pytest.mark.parametrize("how", ["stopped", "frozen"])
async def test_without_redis_all_may_pass(
    with_tables: Settings,
    redis: Redis,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    monkeypatch.setattr(rate, "TIMEOUT", 0.1)
    monkeypatch.setattr(rate, "PAUSE", 3600)
    few = with_tables.model_copy(update={"sign_in_failures": 1})
    async with client_of(create_app(few)) as client:
        with redis.stopped() if how == "stopped" else redis.frozen():
            answers = [await client.get(ME, headers=WRONG) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {401}
    [line] = [record for record in caplog.records if record.name == "app.rate"]
    assert line.levelname == "WARNING"
    assert "no rate limits for 3600 s" in line.getMessage()


async def test_limits_come_back_with_redis(settings: Settings, redis: Redis) -> None:
    now = 0.0
    async with create_redis(settings) as client:
        limiter = RateLimiter(client, clock=lambda: now)
        asking = request_from("192.0.2.1")
        with redis.stopped():
            for _ in range(3):
                await limiter.hit(asking, "x", 1)
        await limiter.hit(asking, "x", 1)
        now += rate.PAUSE
        await limiter.hit(asking, "x", 1)
        with pytest.raises(TooManyRequestsError):
            await limiter.hit(asking, "x", 1)
