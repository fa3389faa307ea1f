"""The service with a route that answers when the file $SLOW_UNTIL is there."""

import asyncio
import os
from pathlib import Path

from fastapi import FastAPI

from app import server
from app.core.metrics import Metrics
from app.core.settings import Settings, load
from app.main import create_app as create_real_app


def create_app(settings: Settings, metrics: Metrics) -> FastAPI:
    """The real application and `/slow`."""
    app = create_real_app(settings, metrics)

    @app.get("/slow")
    async def slow() -> str:
        while not Path(os.environ["SLOW_UNTIL"]).exists():
            await asyncio.sleep(0.01)
        return "done"

    return app


if __name__ == "__main__":
    server.run(load(Settings), create_app)
