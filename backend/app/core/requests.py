"""What happens around every request: its id, its log line, its metrics."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import request_id
from app.core.metrics import Metrics

logger = logging.getLogger("app.requests")

# Asked many times a second by gates and balancers: worth a line only when debugging.
QUIET_PREFIX = "/api/v1/health"


class RequestMiddleware:
    """The outermost layer, so that nothing is answered without an id or goes uncounted."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of scope pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        chosen = request_id.choose(scope["headers"])
        token = request_id.current.set(chosen)
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (request_id.HEADER, chosen.encode()),
                ]
            await send(message)

        self.metrics.in_progress.inc()
        try:
            await self.app(scope, receive, send_with_id)
        finally:
            self.metrics.in_progress.dec()
            self._record(scope, status, time.perf_counter() - started)
            request_id.current.reset(token)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        """Count and log the request; status 0: the caller left before the answer began."""
        route = route_template(scope)
        self.metrics.count(scope["method"], route, status, seconds)
        quiet = status < 500 and scope["path"].startswith(QUIET_PREFIX)
        if quiet and not logger.isEnabledFor(logging.DEBUG):
            return
        fields = {
            "method": scope["method"],
            "route": route,
            "path": scope["path"],
            "status": status,
            "duration_ms": round(seconds * 1000, 1),
        }
        logger.log(logging.DEBUG if quiet else logging.INFO, "request", extra={"fields": fields})


def route_template(scope: Scope) -> str:
    """The path of the route that answered, with its parameters' names: few values, however
    many paths are asked for. FastAPI keeps the prefixes of included routers beside the route."""
    included = scope.get("fastapi", {}).get("effective_route_context")
    return str(getattr(included or scope.get("route"), "path", "unmatched"))
