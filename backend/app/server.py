"""Run the API and the metrics in one process, and stop them gracefully."""

import asyncio
import signal
from collections.abc import Callable

import uvicorn
import uvloop
from fastapi import FastAPI

from app import __version__, observability
from app.core import logs
from app.core.metrics import Metrics
from app.core.serving import Server, create_metrics_server
from app.core.settings import Settings
from app.main import create_app

Factory = Callable[[Settings, Metrics], FastAPI]


async def serve(settings: Settings, create: Factory) -> None:
    """Serve until SIGTERM or SIGINT; open requests get `graceful_timeout` seconds.

    A second signal ends the wait. Metrics stay readable until the API has stopped.
    """
    metrics = Metrics(__version__, settings.release)
    app = create(settings, metrics)
    api = Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            http="httptools",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            forwarded_allow_ips=settings.forwarded_allow_ips,
            timeout_keep_alive=settings.keep_alive_timeout,
            timeout_graceful_shutdown=settings.graceful_timeout,
        )
    )
    side = create_metrics_server(settings, metrics)

    def stop() -> None:
        # Streams would last for the whole of the grace period.
        app.state.streams.end()
        api.force_exit = api.should_exit
        api.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    beside = asyncio.create_task(side.serve())
    try:
        await api.serve()
    finally:
        side.should_exit = True
        await beside


def run(settings: Settings, create: Factory = create_app) -> None:
    """Configure the logs and serve what `create` makes; returns after a graceful stop."""
    logs.configure(settings.log_level, settings.release, settings.secret_values())
    observability.start(settings, "api")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings, create))
    finally:
        observability.stop(settings)
