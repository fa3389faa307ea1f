"""What the service tells of itself to others: errors to Sentry, traces to a collector.

The libraries cost start-up time, so each is imported only when its setting is set.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from sqlalchemy.ext.asyncio import AsyncEngine
    from starlette.applications import Starlette

    from app.core.settings import Settings


def start(settings: "Settings", component: str) -> None:
    """Begin to report errors; `component` is `api` or `worker`."""
    if settings.sentry_dsn is not None:
        from app.observability import sentry

        sentry.start(settings, settings.sentry_dsn.get_secret_value(), component)


def trace(
    settings: "Settings",
    component: str,
    engine: "AsyncEngine",
    redis: "Redis",
    app: "Starlette | None" = None,
) -> None:
    """Make spans of the requests, statements and commands that go through these from now on."""
    if settings.otel_exporter_otlp_endpoint is None:
        return
    from app.observability import traces

    provider = traces.start(settings, settings.otel_exporter_otlp_endpoint, component)
    tracer = provider.get_tracer("app")
    traces.follow_database(engine, tracer)
    traces.follow_redis(redis, provider)
    if app is not None:
        app.add_middleware(traces.TraceMiddleware, tracer=tracer)


def stop(settings: "Settings") -> None:
    """Send what waits to be sent, for a few seconds at most."""
    if settings.sentry_dsn is not None:
        from app.observability import sentry

        sentry.stop()
    if settings.otel_exporter_otlp_endpoint is not None:
        from app.observability import traces

        traces.stop()
