"""Prometheus metrics of the process: one registry, served on a port of its own."""

from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

# Seconds; from a cached answer to the longest request that a deploy waits for.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """What is counted. Labels are bounded: route templates, never paths; known methods only."""

    def __init__(self, version: str, release: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        Gauge(
            "delight_info", "What is running.", ["version", "release"], registry=self.registry
        ).labels(version, release).set(1)
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time from the first byte of a request to the last byte of its answer.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._requests = Counter(
            "http_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        # Looking them up costs more than counting.
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.in_progress = Gauge(
            "http_requests_in_progress", "Requests being answered.", registry=self.registry
        )

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record one answered request."""
        method = method if method in METHODS else "other"
        series = self._series.get((method, route, status))
        if series is None:
            series = (
                self._requests.labels(method, route, str(status)),
                self._duration.labels(method, route),
            )
            self._series[method, route, status] = series
        series[0].inc()
        series[1].observe(seconds)

    def app(self) -> "ASGIApp":
        """An ASGI application that answers GET /metrics and nothing else."""

        async def answer(scope: "Scope", receive: "Receive", send: "Send") -> None:
            found = scope["type"] == "http" and scope["path"] == "/metrics"
            body = generate_latest(self.registry) if found else b"see /metrics\n"
            kind = CONTENT_TYPE_LATEST if found else "text/plain; charset=utf-8"
            headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
            await send(
                {
                    "type": "http.response.start",
                    "status": 200 if found else 404,
                    "headers": headers,
                }
            )
            await send({"type": "http.response.body", "body": body})

        return answer
