"""The worker's process: stops, outages, releases side by side; no job is lost by any of them."""

import asyncio
import gc
import signal
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as Client

from app.core.settings import Settings
from app.worker.broker import GROUP, create_broker
from app.worker.queue import Job, Queue, stream
from tests.backing import PASSWORD, Redis, wait_until
from tests.process import command
from tests.slow_jobs import NEW, OLD
from tests.worker import JOBS, put, values_of, worker

ME = "/api/v1/users/me"
NOTICES = "SELECT count(*) FROM notices"
UNSENT = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"


@pytest.fixture
def values(with_tables: Settings) -> dict[str, str]:
    """The environment of a worker."""
    return values_of(with_tables)


def test_a_stop_waits_for_the_running_job(
    values: dict[str, str], with_tables: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "w"
    with worker(values, folder, JOBS) as running:
        put(with_tables, "slow", mark="first")
        wait_until((folder / "first.begun").exists, "the job is running")
        running.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "jobs are finished before the end" in running.log(), "it stops")
        put(with_tables, "slow", mark="second")
        (folder / "first.go").touch()
        status, _ = running.end()
    assert status == 0
    assert (folder / "first.done").exists()
    assert not (folder / "second.begun").exists()
    assert not running.heartbeat.exists()
    (folder / "second.go").touch()
    with worker(values, folder, JOBS):
        wait_until((folder / "second.done").exists, "the next worker takes what was left")


def test_a_stop_is_bounded(
    values: dict[str, str], with_tables: Settings, tmp_path: Path, redis: Redis
) -> None:
    folder = tmp_path / "w"
    with worker(values | {"GRACEFUL_TIMEOUT": "1"}, folder, JOBS) as running:
        put(with_tables, "slow", mark="stuck")
        wait_until((folder / "stuck.begun").exists, "the job is running")
        running.process.send_signal(signal.SIGTERM)
        status, lines = running.end()
    assert status == 0
    assert "1 jobs are given up after 1 s" in {line["message"] for line in lines}
    with Client.from_url(redis.url()) as client:
        pending: Any = client.xpending(stream(OLD), GROUP)
        assert pending["pending"] == 1  # another worker's, after a while


def test_a_second_signal_ends_the_wait(
    values: dict[str, str], with_tables: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "w"
    with worker(values | {"GRACEFUL_TIMEOUT": "3600"}, folder, JOBS) as running:
        put(with_tables, "slow", mark="stuck")
        wait_until((folder / "stuck.begun").exists, "the job is running")
        running.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "jobs are finished before the end" in running.log(), "it stops")
        running.process.send_signal(signal.SIGTERM)
        status, _ = running.end()
    assert status == 0


def test_the_job_of_a_dead_worker_is_taken_over(
    values: dict[str, str], with_tables: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "w"
    # A job that is silent for twice its time limit is nobody's.
    short = values | {"JOB_TIMEOUT": "0.5", "SWEEP_INTERVAL": "1"}
    with worker(short, folder, JOBS) as running:
        put(with_tables, "slow", mark="orphan")
        wait_until((folder / "orphan.begun").exists, "the job is running")
        running.process.kill()
        running.process.wait()
    (folder / "orphan.go").touch()
    with worker(short, folder, JOBS):
        wait_until((folder / "orphan.done").exists, "another worker has done it")


def test_a_newer_job_waits_for_a_newer_worker(
    values: dict[str, str], with_tables: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    newer = tmp_path / "new"
    with worker(values, folder, JOBS) as old:
        put(with_tables, "slow", NEW, mark="newer")
        put(with_tables, "slow", OLD, mark="older")
        wait_until((folder / "older.begun").exists, "the old worker runs what it knows")
        assert not (folder / "newer.begun").exists()
        (folder / "older.go").touch()
        with worker(values | {"SCHEMA": str(NEW)}, newer, JOBS):
            wait_until((newer / "newer.begun").exists, "the new worker runs the newer one")
            (newer / "newer.go").touch()
            wait_until((newer / "newer.done").exists, "to its end")
            old.process.send_signal(signal.SIGTERM)
            assert old.end()[0] == 0
            put(with_tables, "slow", OLD, mark="late")
            wait_until((newer / "late.begun").exists, "and what the old release still puts")
            (newer / "late.go").touch()
            wait_until((newer / "late.done").exists, "to its end too")
    assert "not found" not in old.log()
    assert not (folder / "newer.begun").exists()


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")  # taskiq's, when it is cancelled
async def test_reading_can_be_stopped_at_any_step(with_tables: Settings) -> None:
    broker = create_broker(with_tables)
    queue = Queue(with_tables, broker)
    await broker.startup()
    for steps in range(60):
        jobs = broker.listen()
        await queue.put(Job("x", {}))
        await anext(jobs)
        # It takes care of the jobs of dead workers now, then waits for the next one.
        reading = asyncio.ensure_future(anext(jobs))
        for _ in range(steps):
            await asyncio.sleep(0)
        reading.cancel()
        async with asyncio.timeout(30):
            await asyncio.wait({reading})
        assert reading.cancelled(), steps
        await jobs.aclose()
    gc.collect()
    await broker.shutdown()


def test_survives_outages_and_a_redis_that_forgot(
    values: dict[str, str], with_tables: Settings, tmp_path: Path, redis: Redis
) -> None:
    folder = tmp_path / "w"
    with worker(values, folder, JOBS) as running:
        with redis.stopped():
            wait_until(lambda: not running.is_well(), "the outage is seen")
            wait_until(lambda: "the queue does not work" in running.log(), "and logged")
        # It keeps nothing on a disk here: all streams and groups are gone.
        wait_until(running.is_well, "well again")
        put(with_tables, "slow", mark="after")
        wait_until((folder / "after.begun").exists, "jobs are run again")
        (folder / "after.go").touch()
        wait_until((folder / "after.done").exists, "to their end")
        running.process.send_signal(signal.SIGTERM)
        status, lines = running.end()
    assert status == 0
    assert PASSWORD not in str(lines)


def test_health_check(values: dict[str, str], tmp_path: Path) -> None:
    with worker(values, tmp_path / "w") as running:
        file = str(running.heartbeat)
        for check in (("app.worker", "--check"), ("app.healthcheck",)):
            done = command(*check, HEARTBEAT_FILE=file)
            assert (done.returncode, done.stdout) == (0, "healthy, release r-7\n"), done.stderr
    running.heartbeat.write_text('{"at": 0, "status": "healthy", "release": "r-7"}')
    old = command("app.worker", "--check", HEARTBEAT_FILE=file)
    assert old.returncode == 1
    assert old.stdout.startswith("the last heartbeat was ")
    running.heartbeat.write_text("{")
    broken = command("app.worker", "--check", HEARTBEAT_FILE=file)
    assert (broken.returncode, broken.stdout) == (1, "no heartbeat: the file can't be read\n")
    running.heartbeat.unlink()
    gone = command("app.healthcheck", HEARTBEAT_FILE=file, PYTHONPROFILEIMPORTTIME="1")
    assert (gone.returncode, gone.stdout) == (1, "no heartbeat: No such file or directory\n")
    for heavy in ("asyncio", "taskiq", "pydantic"):
        assert f" {heavy}\n" not in gone.stderr


def test_a_configuration_that_cannot_be_used() -> None:
    done = command("app.worker", DATABASE_URL="postgresql://h/d", REDIS_URL="hidden")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "configuration: REDIS_URL: must be a URL like redis://user:password@host:port/name\n"
    )
