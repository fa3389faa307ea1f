"""What the service tells of itself to others: errors to Sentry, traces to a collector.

The libraries cost start-up time, so each is imported only when its setting is set.
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from redis.asyncio import Redis
    from sqlalchemy.ext.asyncio import AsyncEngine

    from app.core.settings import Settings


def leave_out(settings: "Settings") -> None:
    """To be called before redis is imported: it imports OpenTelemetry's SDK wherever that is
    installed, which costs a tenth of the start. Without a collector it finds none."""
    if settings.otel_exporter_otlp_endpoint is None:
        sys.modules["opentelemetry.sdk"] = None  # type: ignore[assignment]


def start(settings: "Settings", component: str) -> None:
    """Begin to report errors; `component` is `api` or `worker`."""
    if settings.sentry_dsn is not None:
        from app.observability import sentry

        sentry.start(settings, settings.sentry_dsn.get_secret_value(), component)


def trace(
    settings: "Settings", component: str, engine: "AsyncEngine", redis: "Redis"
) -> "TelemetryConfig":
    """Make spans of the statements and commands that go through these from now on; returns what
    FastAPI needs to make those of the requests."""
    # Not by itself from the environment: settings come from files too.
    config: TelemetryConfig = {"auto_configure": False, "metrics": False, "logs": False}
    if settings.otel_exporter_otlp_endpoint is None:
        return {**config, "tracing": False}
    from app.observability import traces

    provider = traces.start(settings, settings.otel_exporter_otlp_endpoint, component)
    traces.follow_database(engine, provider.get_tracer("app.db"))
    traces.follow_redis(redis, provider)
    return {**config, **traces.of_requests(provider)}


def stop(settings: "Settings") -> None:
    """Send what waits to be sent, for a few seconds at most."""
    if settings.sentry_dsn is not None:
        from app.observability import sentry

        sentry.stop()
    if settings.otel_exporter_otlp_endpoint is not None:
        from app.observability import traces

        traces.stop()
