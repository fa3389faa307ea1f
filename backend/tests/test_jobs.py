"""The jobs: each notice once, none lost by any outage, one sweep for all workers."""

import asyncio
import signal
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as Client
from redis.asyncio import Redis as AsyncClient

from app.core.settings import Settings
from app.db.engine import create_engine
from app.db.session import create_sessions
from app.main import create_app
from app.worker import jobs
from app.worker.broker import GROUP, create_broker, forget_consumers
from app.worker.queue import SCHEMA, Job, Queue, stream
from tests.backing import PASSWORD, Postgres, Redis, wait_until
from tests.conftest import client_of
from tests.slow_jobs import OLD
from tests.tokens import signed_in
from tests.worker import JOBS, put, values_of, worker

ME = "/api/v1/users/me"
NOTICES = "SELECT count(*) FROM notices"
UNSENT = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"


@pytest.fixture
def values(with_tables: Settings) -> dict[str, str]:
    """The environment of a worker."""
    return values_of(with_tables)


@pytest.fixture
def count(postgres: Postgres, tables: str) -> Callable[[str], int]:
    """The number that a statement answers with."""
    return lambda statement: int(postgres.sql(statement, tables))


def sign_up(settings: Settings, subject: str = "user_1") -> None:
    """Let a user come to be by the API, in a process of this release that then ends."""

    async def ask() -> None:
        async with client_of(create_app(settings)) as client:
            answer = await client.get(ME, headers=signed_in(subject))
        assert answer.status_code == 200

    asyncio.run(ask())


def test_a_new_user_is_welcomed_once(
    values: dict[str, str], with_tables: Settings, tmp_path: Path, postgres: Postgres, tables: str,
    count: Callable[[str], int],
) -> None:  # fmt: skip
    with worker(values, tmp_path / "w") as running:
        sign_up(with_tables)
        sign_up(with_tables)
        wait_until(lambda: count(NOTICES) == 1, "the notice is there")
        assert count(UNSENT) == 0
        # The same job again, as after a crash between its end and the word of it.
        user = postgres.sql("SELECT id FROM users", tables)
        put(with_tables, "send_notice", user_id=user, kind="welcome")
        wait_until(lambda: "nothing to do" in running.log(), "the job has run again")
        assert count(NOTICES) == 1
        metrics = running.metrics()
        assert 'jobs_total{job="send_notice",outcome="done"} 2.0' in metrics
        assert 'delight_info{release="r-7"' in metrics
        running.process.send_signal(signal.SIGTERM)
        status, lines = running.end()
    assert status == 0
    assert {line["release"] for line in lines} == {"r-7"}
    assert PASSWORD not in str(lines)
    sent = [line for line in lines if line["message"] == "notice welcome: sent"]
    assert len(sent) == 1


def test_the_job_carries_the_id_of_the_request(
    values: dict[str, str], with_tables: Settings, tmp_path: Path, count: Callable[[str], int]
) -> None:
    async def ask() -> None:
        async with client_of(create_app(with_tables)) as client:
            headers = {**signed_in(), "X-Request-ID": "id-77"}
            assert (await client.get(ME, headers=headers)).status_code == 200

    asyncio.run(ask())
    with worker(values, tmp_path / "w") as running:
        wait_until(lambda: count(NOTICES) == 1, "a job from before the first worker is run")
        wait_until(lambda: '"notice welcome: sent"' in running.log(), "and logged")
        running.process.send_signal(signal.SIGTERM)
        _, lines = running.end()
    [line] = [line for line in lines if line["message"] == "notice welcome: sent"]
    assert line["request_id"] == "id-77"


def test_redis_is_down_when_a_user_comes(
    values: dict[str, str],
    with_tables: Settings,
    redis: Redis,
    tmp_path: Path,
    count: Callable[[str], int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with redis.stopped():
        sign_up(with_tables)
    assert "job send_notice is left to the sweep: ConnectionError" in caplog.messages
    assert count(UNSENT) == 1
    with worker(values | {"SWEEP_INTERVAL": "1", "SWEEP_AGE": "0"}, tmp_path / "w") as running:
        wait_until(lambda: count(NOTICES) == 1, "the sweep has found it")
        assert "1 notices were overdue" in running.log()


def test_a_user_who_is_rolled_back_is_not_welcomed(
    with_tables: Settings, postgres: Postgres, tables: str, redis: Redis
) -> None:
    postgres.sql("DROP TABLE notices, outbox", tables)

    async def ask() -> int:
        async with client_of(create_app(with_tables)) as client:
            return (await client.get(ME, headers=signed_in())).status_code

    assert asyncio.run(ask()) == 500
    with Client.from_url(redis.url()) as client:
        assert client.keys("delight:*") == []


def test_one_worker_of_all_sweeps(values: dict[str, str], tmp_path: Path, redis: Redis) -> None:
    values = values | {"LOG_LEVEL": "DEBUG"}
    with worker(values, tmp_path / "a") as one, worker(values, tmp_path / "b") as other:

        def both_have_tried() -> bool:
            logs = one.log() + other.log()
            return "sweep: claimed" in logs and "sweep: left to others" in logs

        wait_until(both_have_tried, "both workers find that it is time")
        with Client.from_url(redis.url()) as client:
            assert client.xlen(stream(OLD)) == 1


def test_the_sweep_prunes(
    values: dict[str, str], with_tables: Settings, tmp_path: Path, postgres: Postgres, tables: str,
    count: Callable[[str], int],
) -> None:  # fmt: skip
    sign_up(with_tables)
    postgres.sql(
        "INSERT INTO notices (user_id, kind, created_at) SELECT id, 'x', now() - "
        "make_interval(days => days) FROM users, (VALUES (1), (29), (31), (400)) AS v (days)",
        tables,
    )
    old = f"{NOTICES} WHERE created_at < now() - interval '30 days'"
    assert count(old) == 2
    with worker(values | {"NOTICES_KEPT_DAYS": "30"}, tmp_path / "w"):
        wait_until(lambda: count(old) == 0, "the old ones are gone")
        assert count(f"{NOTICES} WHERE kind = 'x'") == 2


def test_the_jobs_of_a_schema_never_change(with_tables: Settings) -> None:
    broker = create_broker(with_tables)
    queue = Queue(with_tables, broker)
    jobs.register(broker, with_tables, create_sessions(create_engine(with_tables)), queue)
    known = {
        name: list(signature(task.original_func).parameters)
        for name, task in broker.get_all_tasks().items()
    }
    # Workers of a release before run what has their schema: others need another number, and
    # a line of their own here.
    assert known == {1: {"send_notice": ["user_id", "kind"], "sweep": []}}[SCHEMA]


@pytest.mark.anyio
async def test_consumers_that_are_gone_are_forgotten(with_tables: Settings) -> None:
    broker, busy = create_broker(with_tables), create_broker(with_tables)
    await broker.startup()
    client: Any = AsyncClient.from_url(with_tables.redis_url.get_secret_value(), protocol=2)
    async with client:
        for reader in (broker, busy):
            await Queue(with_tables, broker).put(Job("x", {}))
            [[_, [[number, _]]]] = await client.xreadgroup(
                GROUP, reader.consumer_name, {stream(SCHEMA): ">"}
            )
            if reader is broker:
                await client.xack(stream(SCHEMA), GROUP, number)
        await forget_consumers(broker)
        assert len(await client.xinfo_consumers(stream(SCHEMA), GROUP)) == 2
        await forget_consumers(broker, -1)
        [left] = await client.xinfo_consumers(stream(SCHEMA), GROUP)
    assert left["name"].decode() == busy.consumer_name
    await broker.shutdown()
    await busy.shutdown()


def test_a_job_that_fails_is_told_and_the_next_one_runs(
    values: dict[str, str], with_tables: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "w"
    with worker(values, folder, JOBS) as running:
        put(with_tables, "fail")
        put(with_tables, "slow", mark="next")
        wait_until((folder / "next.begun").exists, "the next job runs")
        (folder / "next.go").touch()
        wait_until((folder / "next.done").exists, "to its end")
        metrics = running.metrics()
        assert 'jobs_total{job="fail",outcome="failed"} 1.0' in metrics
        running.process.send_signal(signal.SIGTERM)
        _, lines = running.end()
    [line] = [line for line in lines if "planted mistake" in line.get("exception", "")]
    assert line["level"] == "ERROR"
