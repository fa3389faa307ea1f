"""The service with a route that breaks, with secrets and a person in all that it says."""

import logging
import os

from fastapi import FastAPI

from app import server
from app.core.metrics import Metrics
from app.core.settings import Settings, load
from app.main import create_app as create_real_app


def create_app(settings: Settings, metrics: Metrics) -> FastAPI:
    """The real application and `/broken`."""
    app = create_real_app(settings, metrics)

    @app.get("/broken/{person}")
    async def broken(person: str) -> None:
        # What the receiver must not see, in every place that a report has.
        local = f"{person}@example.com"
        secret = os.environ["REDIS_URL"]
        logging.getLogger("app.test").warning("breadcrumb for %s at %s", local, secret)
        raise RuntimeError(f"no place for {local} at {secret}")

    return app


def hurry() -> None:
    """Give Sentry and the collector less time at the end."""
    from app.observability import sentry, traces

    sentry.FLUSH_TIMEOUT = traces.EXPORT_TIMEOUT = traces.FLUSH_TIMEOUT = 1


if __name__ == "__main__":
    if "HURRY" in os.environ:
        hurry()
    server.run(load(Settings), create_app)
