"""What the health is measured against: one Starlette route on the same server."""

import asyncio
import os
from datetime import UTC, datetime

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def health(_: Request) -> JSONResponse:
    """The same answer."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    body = {"status": "healthy", "timestamp": now, "version": "0.1.0", "release": "r-1"}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


if __name__ == "__main__":
    config = uvicorn.Config(
        Starlette(routes=[Route("/api/v1/health", health)]),
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())
