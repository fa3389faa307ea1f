"""The service with a route that takes as long as it is told: `python -m tests.slow_app`."""

import asyncio

from fastapi import FastAPI

from app import server
from app.core.metrics import Metrics
from app.core.settings import Settings, load
from app.main import create_app as create_real_app


def create_app(settings: Settings, metrics: Metrics) -> FastAPI:
    """The real application and `/slow/{seconds}`."""
    app = create_real_app(settings, metrics)

    @app.get("/slow/{seconds}")
    async def slow(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    return app


if __name__ == "__main__":
    server.run(load(Settings), create_app)
