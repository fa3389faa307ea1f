"""Servers that share a process, and the one for the metrics."""

import contextlib
from collections.abc import Iterator

import uvicorn

from app.core.metrics import Metrics
from app.core.settings import Settings


class Server(uvicorn.Server):
    """A server that leaves the signals to us: two of them share this process.

    Uvicorn's own handlers also raise the signal again at the end, so that a clean stop would
    end with the signal's status instead of 0.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def create_metrics_server(settings: Settings, metrics: Metrics) -> Server:
    """Serves /metrics on `metrics_port`."""
    return Server(
        uvicorn.Config(
            metrics.app(),
            host=settings.host,
            port=settings.metrics_port,
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
