"""The application: everything that is shared is made here, once, from the settings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app import __version__, observability
from app.api import router
from app.auth import tokens
from app.auth.dependencies import create_sign_in
from app.core import description, errors
from app.core.limits import LimitMiddleware
from app.core.metrics import Metrics
from app.core.rate import RateLimiter
from app.core.redis import create_redis
from app.core.requests import RequestMiddleware
from app.core.security import SecurityHeadersMiddleware
from app.core.settings import Settings
from app.db.engine import create_engine
from app.db.session import create_sessions
from app.events.listener import Listener
from app.events.streams import Streams
from app.health.checks import check_clerk, check_database, check_redis, configured
from app.health.monitor import HealthMonitor
from app.health.quick import QuickHealthMiddleware
from app.observability import pools
from app.webhooks.signatures import Signatures
from app.worker.queue import Queue

DOCS = "/api/docs"


async def warm_up(app: FastAPI) -> None:
    """Do now what the first requests would have to wait for: connections, then imports."""
    await app.state.health.detailed()
    await asyncio.to_thread(tokens.warm_up)


def create_app(settings: Settings, metrics: Metrics | None = None) -> FastAPI:
    """Build the application; nothing is connected before it starts, and it starts without.

    `app.state` holds `settings`, `metrics`, `engine`, `sessions`, `redis`, `health`, `streams`,
    `queue`, `limiter`, `sign_in` and `webhook_signatures`.
    """
    metrics = metrics or Metrics(__version__, settings.release)
    engine = create_engine(settings)
    redis = create_redis(settings)
    listener = Listener(settings)
    pools.follow_database(engine, metrics.registry)
    pools.follow_redis(redis, metrics.registry)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(warm_up(app))
        yield
        # Bounded by the health's timeout. Cut short it would leave connections open behind it.
        await warming
        await app.state.queue.close()
        await listener.close()
        await redis.aclose()
        await engine.dispose()

    app = FastAPI(
        title="Delight",
        version=__version__,
        lifespan=lifespan,
        docs_url=DOCS,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=description.name_of,
        telemetry=observability.trace(settings, "api", engine, redis),
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
            **({"openai": configured} if settings.openai_api_key else {}),
        },
        release=settings.release,
        timeout=settings.health_timeout,
    )
    app.state.sessions = create_sessions(engine)
    app.state.streams = Streams(settings, app.state.sessions, listener, metrics.registry)
    app.state.queue = Queue(settings)
    app.state.limiter = RateLimiter(redis)
    app.state.sign_in = create_sign_in(settings)
    app.state.webhook_signatures = Signatures(settings.clerk_webhook_secret)
    app.include_router(router)
    errors.install(app)
    description.install(app)
    # From the innermost to the outermost. Origins are told around errors, so that a browser may
    # read those; the last sees every answer.
    app.add_middleware(LimitMiddleware, settings=settings)
    app.add_middleware(errors.ErrorMiddleware)
    app.add_middleware(SecurityHeadersMiddleware, page=DOCS)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.allowed_origins,
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["X-Request-ID", "Retry-After"],
    )
    app.add_middleware(QuickHealthMiddleware, monitor=app.state.health)
    app.add_middleware(RequestMiddleware, metrics=metrics)
    return app
