"""Spans for OpenTelemetry. Imported only when a collector is set: it costs start-up time.

Requests and statements are followed here by a few lines each: the instrumentation of ASGI would
send query strings, the one of SQLAlchemy knows none of the versions that are in use.
"""

import threading
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from sqlalchemy import event

from app.core import request_id
from app.core.requests import QUIET_PREFIX, route_template

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.ext.asyncio import AsyncEngine
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _started.append(provider)
    return provider


def stop() -> None:
    """Send what is left; a collector that does not answer holds nobody longer than the bound."""
    while _started:
        thread = threading.Thread(target=_started.pop().shutdown, daemon=True)
        thread.start()
        thread.join(FLUSH_TIMEOUT)


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

    def end(_connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _: bool) -> None:
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


class TraceMiddleware:
    """A span for each request, by the route's template; part of the caller's trace, if any."""

    def __init__(self, app: "ASGIApp", tracer: Tracer) -> None:
        self.app = app
        self.tracer = tracer

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve one request; other kinds of scope and the gates' questions pass through."""
        if scope["type"] != "http" or scope["path"].startswith(QUIET_PREFIX):
            await self.app(scope, receive, send)
            return
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        with self.tracer.start_as_current_span(
            scope["method"],
            context=propagate.extract(given),
            kind=SpanKind.SERVER,
            record_exception=False,
            attributes={
                "http.request.method": scope["method"],
                "url.path": scope["path"],
                "url.scheme": scope["scheme"],
                "request.id": request_id.current.get() or "",
            },
        ) as span:

            async def send_seen(message: "Message") -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(StatusCode.ERROR)
                await send(message)

            try:
                await self.app(scope, receive, send_seen)
            finally:
                route = route_template(scope)
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.route", route)
