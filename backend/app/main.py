"""The application: everything that is shared is made here, once, from the settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app import __version__
from app.api import router
from app.auth.dependencies import create_sign_in
from app.core import errors
from app.core.metrics import Metrics
from app.core.redis import create_redis
from app.core.requests import RequestMiddleware
from app.core.settings import Settings
from app.db.engine import create_engine
from app.db.session import create_sessions
from app.health.checks import check_clerk, check_database, check_redis
from app.health.monitor import HealthMonitor


def create_app(settings: Settings, metrics: Metrics | None = None) -> FastAPI:
    """Build the application; nothing is connected before it starts, and it starts without.

    `app.state` holds `settings`, `metrics`, `engine`, `sessions`, `redis`, `health` and `sign_in`.
    """
    metrics = metrics or Metrics(__version__, settings.release)
    engine = create_engine(settings)
    redis = create_redis(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # Opens the first connections now: the first to ask for the health need not wait for them.
        first = asyncio.create_task(app.state.health.detailed())
        yield
        first.cancel()
        await redis.aclose()
        await engine.dispose()

    app = FastAPI(
        title="Delight",
        version=__version__,
        lifespan=lifespan,
        docs_url="/api/docs",
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.settings = settings
    app.state.metrics = metrics
    app.state.engine = engine
    app.state.redis = redis
    app.state.health = HealthMonitor(
        {
            "database": partial(check_database, engine),
            "redis": partial(check_redis, redis),
            "clerk": partial(check_clerk, settings),
        },
        release=settings.release,
        timeout=settings.health_timeout,
    )
    app.state.sessions = create_sessions(engine)
    app.state.sign_in = create_sign_in(settings)
    app.include_router(router)
    errors.install(app)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
    )
    # Added last, so it is the outermost: it sees every answer, refused origins included.
    app.add_middleware(RequestMiddleware, metrics=metrics)
    return app
