"""The detailed health: asked often, computed rarely."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from app import __version__
from app.health.checks import CheckFailedError
from app.health.schemas import CheckResult, CheckStatus, DetailedHealth, Health, Status

logger = logging.getLogger("app.health")

Check = Callable[[], Awaitable[CheckStatus]]

# Without these nothing works; without the others some things don't.
REQUIRED = frozenset({"database"})
# These are configured or not; nobody is asked.
UNASKED = frozenset({"clerk", "openai"})


class HealthMonitor:
    """Runs the checks at once, each within `timeout` seconds, at most once in `max_age` seconds.

    Callers that come while the checks run wait for that run: a gate that asks every 20 ms costs
    the database one statement a second.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        release: str,
        timeout: float,
        max_age: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checks = checks
        self._release = release
        self._timeout = timeout
        self._max_age = max_age
        self._clock = clock
        self._last: tuple[float, DetailedHealth] | None = None
        self._running: asyncio.Task[DetailedHealth] | None = None
        self._abandoned: set[asyncio.Task[CheckStatus]] = set()

    def brief(self) -> Health:
        """The process answers, hence it is up."""
        return Health(
            status="healthy", timestamp=_now(), version=__version__, release=self._release
        )

    async def detailed(self) -> DetailedHealth:
        """The last answer while it is fresh, else a new one shared by all who wait."""
        if self._last is not None and self._clock() - self._last[0] < self._max_age:
            return self._last[1]
        if self._running is None:
            self._running = asyncio.create_task(self._compute())
        # A caller who leaves must not cancel what others wait for.
        return await asyncio.shield(self._running)

    async def _compute(self) -> DetailedHealth:
        try:
            results = await asyncio.gather(*(self._run(*item) for item in self._checks.items()))
            checks = dict(zip(self._checks, results, strict=True))
            answer = DetailedHealth(
                status=overall(checks),
                timestamp=_now(),
                version=__version__,
                release=self._release,
                checks=checks,
            )
            self._last = (self._clock(), answer)
            return answer
        finally:
            self._running = None

    async def _run(self, name: str, check: Check) -> CheckResult:
        """One check's result, at the latest when the timeout is over."""
        started = time.perf_counter()
        task: asyncio.Task[CheckStatus] = asyncio.ensure_future(_as_coroutine(check))
        done, _ = await asyncio.wait({task}, timeout=self._timeout)
        error: str | None = None
        if not done:
            # Not awaited: a driver may take seconds to give up a connection that is stuck.
            self._abandoned.add(task)
            task.add_done_callback(self._forget)
            task.cancel()
            status: CheckStatus = "disconnected"
            error = f"no answer within {self._timeout:g} s"
        elif (failure := task.exception()) is None:
            status = task.result()
        elif isinstance(failure, CheckFailedError):
            status, error = failure.status, failure.reason
        else:
            status, error = "error", type(failure).__name__
        elapsed = round((time.perf_counter() - started) * 1000, 1)
        if error is not None:
            logger.warning("%s does not work: %s", name, error)
        return CheckResult(
            status=status,
            response_time_ms=None if name in UNASKED else elapsed,
            error=error,
        )

    def _forget(self, task: "asyncio.Task[CheckStatus]") -> None:
        self._abandoned.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not complain about it


def overall(checks: Mapping[str, CheckResult]) -> Status:
    """`unhealthy` if a required dependency fails, `degraded` if another does."""
    failed = {name for name, r in checks.items() if r.status not in {"connected", "configured"}}
    if failed & REQUIRED:
        return "unhealthy"
    return "degraded" if failed else "healthy"


async def _as_coroutine(check: Check) -> CheckStatus:
    return await check()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
