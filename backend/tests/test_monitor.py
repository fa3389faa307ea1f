"""The monitor's promises that need no server: once a second, once for all, all at once."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest

from app.core.reasons import Reason
from app.health.checks import CheckFailedError
from app.health.monitor import HealthMonitor, overall
from app.health.schemas import CheckResult, CheckStatus

pytestmark = pytest.mark.anyio
Check = Callable[[], Awaitable[CheckStatus]]


async def connected() -> CheckStatus:
    return "connected"


async def test_answer_is_kept_for_a_second() -> None:
    now = SimpleNamespace(value=0.0)
    calls: list[float] = []

    async def check() -> CheckStatus:
        calls.append(now.value)
        return "connected"

    monitor = HealthMonitor({"database": check}, "r", timeout=1, clock=lambda: now.value)
    first = await monitor.detailed()
    now.value = 0.99
    assert await monitor.detailed() is first
    now.value = 1.0
    assert await monitor.detailed() is not first
    assert calls == [0.0, 1.0]


async def test_callers_share_one_run_and_may_leave() -> None:
    gate = asyncio.Event()
    calls = 0

    async def check() -> CheckStatus:
        nonlocal calls
        calls += 1
        await gate.wait()
        return "connected"

    monitor = HealthMonitor({"database": check}, "r", timeout=30)
    callers = [asyncio.create_task(monitor.detailed()) for _ in range(20)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.sleep(0)
    gate.set()
    answers = await asyncio.gather(*callers[1:])
    assert callers[0].cancelled()
    assert calls == 1
    assert {id(answer) for answer in answers} == {id(answers[0])}


async def test_checks_run_at_once() -> None:
    # Each waits for the other: one after the other they would both time out.
    meeting = asyncio.Barrier(2)

    async def check() -> CheckStatus:
        await meeting.wait()
        return "connected"

    monitor = HealthMonitor({"database": check, "redis": check}, "r", timeout=10)
    assert (await monitor.detailed()).status == "healthy"


async def test_a_check_that_ignores_its_cancellation_is_left_behind() -> None:
    release = asyncio.Event()
    ended: list[str] = []

    async def stubborn() -> CheckStatus:
        try:
            await release.wait()
        except asyncio.CancelledError:
            await release.wait()
            ended.append("late")
            raise RuntimeError("too late to matter") from None
        return "connected"

    monitor = HealthMonitor({"redis": stubborn, "database": connected}, "r", timeout=0.01)
    answer = await monitor.detailed()
    assert answer.status == "degraded"
    assert answer.checks["redis"].error == "no answer within 0.01 s"
    assert ended == []
    release.set()
    async with asyncio.timeout(10):
        while not ended:
            await asyncio.sleep(0)


async def test_an_unforeseen_error_is_named_by_its_type_only() -> None:
    async def broken() -> CheckStatus:
        raise RuntimeError("postgresql://u:hidden-word@host/db")

    answer = await HealthMonitor({"database": broken}, "r", timeout=1).detailed()
    assert answer.status == "unhealthy"
    assert answer.checks["database"].model_dump(exclude={"response_time_ms"}) == {
        "status": "error",
        "error": "RuntimeError",
    }


def test_reason_decides_the_status() -> None:
    assert CheckFailedError(Reason("no")).status == "disconnected"
    assert CheckFailedError(Reason("no", reached=True)).status == "error"


@pytest.mark.parametrize(
    ("database", "redis", "clerk", "expected"),
    [
        ("connected", "connected", "configured", "healthy"),
        ("connected", "disconnected", "configured", "degraded"),
        ("connected", "error", "configured", "degraded"),
        ("connected", "connected", "error", "degraded"),
        ("error", "connected", "configured", "unhealthy"),
        ("disconnected", "disconnected", "error", "unhealthy"),
    ],
)
def test_overall(
    database: CheckStatus, redis: CheckStatus, clerk: CheckStatus, expected: str
) -> None:
    results = {"database": database, "redis": redis, "clerk": clerk}
    assert overall({name: CheckResult(status=s) for name, s in results.items()}) == expected
