"""The worker's process: jobs, schedule, heartbeat and metrics, and a graceful stop."""

import asyncio
import logging
import signal
from collections.abc import Callable
from functools import partial

import uvloop
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine
from taskiq import TaskiqScheduler
from taskiq.api import run_scheduler_task
from taskiq_redis import RedisStreamBroker

from app import __version__, observability
from app.core import logs
from app.core.metrics import Metrics
from app.core.redis import create_redis
from app.core.serving import create_metrics_server
from app.core.settings import Settings
from app.db.engine import create_engine
from app.db.session import Sessions, create_sessions
from app.health.checks import check_database, check_redis
from app.health.monitor import HealthMonitor
from app.observability import pools
from app.worker import heartbeat, jobs
from app.worker.broker import create_broker
from app.worker.queue import SCHEMA, Queue
from app.worker.receiver import Observer, receive
from app.worker.schedule import OnceForAll

logger = logging.getLogger("app.worker")

Register = Callable[[RedisStreamBroker, Settings, Sessions, Queue], None]


async def work(settings: Settings, schema: int, register: Register) -> None:
    """Work until SIGTERM or SIGINT; running jobs get `graceful_timeout` seconds, or until a
    second signal."""
    metrics = Metrics(__version__, settings.release)
    engine, redis = create_engine(settings), create_redis(settings)
    broker = create_broker(settings, schema)
    queue = Queue(settings, broker, schema)
    pools.follow_database(engine, metrics.registry)
    pools.follow_redis(redis, metrics.registry)
    observability.trace(settings, "worker", engine, redis)
    broker.add_middlewares(Observer(metrics.registry))
    register(broker, settings, create_sessions(engine), queue)

    stop = asyncio.Event()
    receiving = asyncio.create_task(
        receive(broker, settings.worker_concurrency, stop, settings.graceful_timeout)
    )

    def end() -> None:
        if stop.is_set():
            receiving.cancel()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    side = create_metrics_server(settings, metrics)
    serving = asyncio.create_task(side.serve())
    scheduler = TaskiqScheduler(broker, [OnceForAll(broker, redis)])
    beside = [
        asyncio.create_task(run_scheduler_task(scheduler)),
    ]
    if settings.heartbeat_file is not None:
        beating = beat(settings.heartbeat_file, settings, engine, redis)
        beside.append(asyncio.create_task(beating))
    logger.info("working")
    await asyncio.wait({receiving})
    logger.info("stopped")
    for task in beside:
        task.cancel()
    side.should_exit = True
    await asyncio.gather(serving, *beside, return_exceptions=True)
    await broker.shutdown()
    await redis.aclose()
    await engine.dispose()
    if not receiving.cancelled():
        receiving.result()


async def beat(file: str, settings: Settings, engine: AsyncEngine, redis: Redis) -> None:
    """Say every few seconds whether jobs can be worked on, and nothing any more at the end."""
    monitor = HealthMonitor(
        {"database": partial(check_database, engine), "redis": partial(check_redis, redis)},
        release=settings.release,
        timeout=settings.health_timeout,
    )
    try:
        while True:
            health = await monitor.detailed()
            heartbeat.beat(file, health.status, settings.release)
            await asyncio.sleep(heartbeat.INTERVAL)
    finally:
        heartbeat.end(file)


def run(settings: Settings, schema: int = SCHEMA, register: Register = jobs.register) -> None:
    """Configure the logs and work; returns after a graceful stop."""
    logs.configure(settings.log_level, settings.release, settings.secret_values())
    # It tells of every tick that another worker had; the jobs tell what they did.
    logging.getLogger("taskiq").setLevel(logging.WARNING)
    observability.start(settings, "worker")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(settings, schema, register))
    finally:
        observability.stop(settings)
