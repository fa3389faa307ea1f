"""Spans for OpenTelemetry. Imported only when a collector is set: it costs start-up time.

FastAPI follows the requests, OpenTelemetry's instrumentation Redis. Statements are followed here:
the instrumentation of SQLAlchemy does not know the version that is in use.
"""

import threading
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from sqlalchemy import event

from app.core.redact import MASK
from app.core.requests import QUIET_PREFIX

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from redis.asyncio import Redis
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.ext.asyncio import AsyncEngine
    from starlette.types import Scope

    from app.core.settings import Settings

EXPORT_TIMEOUT = 3  # seconds for one batch, retries included
FLUSH_TIMEOUT = 5  # seconds for all that is left at the end

_started: list[TracerProvider] = []


def start(settings: "Settings", endpoint: str, component: str) -> TracerProvider:
    """Spans go to the collector in batches, from a thread."""
    resource = Resource.create(
        {
            "service.name": f"delight-{component}",
            "service.version": settings.release,
            "deployment.environment.name": settings.environment,
        }
    )
    provider = TracerProvider(
        sampler=ParentBasedTraceIdRatio(settings.otel_traces_sampler_arg),
        resource=resource,
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(
        f"{endpoint}/v1/traces", headers=settings.otlp_headers(), timeout=EXPORT_TIMEOUT
    )
    provider.add_span_processor(WithoutQuery())
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _started.append(provider)
    return provider


def stop() -> None:
    """Send what is left; a collector that does not answer holds nobody longer than the bound."""
    while _started:
        thread = threading.Thread(target=_started.pop().shutdown, daemon=True)
        thread.start()
        thread.join(FLUSH_TIMEOUT)


def of_requests(provider: TracerProvider) -> "TelemetryConfig":
    """A span for each request, by the route's template; not for what gates ask all the time."""

    def is_quiet(scope: "Scope") -> bool:
        return bool(scope["path"].startswith(QUIET_PREFIX))

    return {
        "tracing": True,
        "tracer_provider": provider,
        "operation_spans": False,
        "exclude": is_quiet,
    }


def follow_redis(client: "Redis", provider: TracerProvider) -> None:
    """A span for each command, with its name and none of its values."""
    RedisInstrumentor.instrument_client(client, tracer_provider=provider)


def follow_database(engine: "AsyncEngine", tracer: Tracer) -> None:
    """A span for each statement; its text has placeholders where values go."""
    database = engine.url.database or ""

    def begin(
        _connection: Any, _cursor: Any, statement: str, _values: Any, context: Any, _many: bool
    ) -> None:
        operation = statement.split(maxsplit=1)[0].upper()
        context.span = tracer.start_span(
            f"{operation} {database}",
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": "postgresql",
                "db.namespace": database,
                "db.operation.name": operation,
                "db.query.text": statement,
            },
        )

    def end(
        _connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _: bool
    ) -> None:
        context.span.end()

    def fail(failure: "ExceptionContext") -> None:
        span: Span | None = getattr(failure.execution_context, "span", None)
        if span is not None:
            # The type only: the text of an error may hold values of rows.
            span.set_attribute("error.type", type(failure.original_exception).__name__)
            span.set_status(StatusCode.ERROR)
            span.end()

    event.listen(engine.sync_engine, "before_cursor_execute", begin)
    event.listen(engine.sync_engine, "after_cursor_execute", end)
    event.listen(engine.sync_engine, "handle_error", fail)


class WithoutQuery(SpanProcessor):
    """Takes the query strings out of requests' spans: they may hold what nobody else shall see."""

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """FastAPI has just put it in."""
        if "url.query" in (span.attributes or {}):
            span.set_attribute("url.query", MASK)
