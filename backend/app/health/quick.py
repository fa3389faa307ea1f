"""GET /health without the framework: every edge, gate and balancer asks it, many times a second."""

import time
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core import security
from app.health.monitor import HealthMonitor

PATH = "/api/v1/health"


class QuickRoute(NamedTuple):
    """As much of a route as the metrics ask for."""

    path: str


ROUTE = QuickRoute(PATH)


def is_plain(scope: Scope) -> bool:
    """A GET of the health, and not by a page of some origin: the CORS layer answers those."""
    return (
        scope["type"] == "http"
        and scope["path"] == PATH
        and scope["method"] == "GET"
        and all(name != b"origin" for name, _ in scope["headers"])
    )


class QuickHealthMiddleware:
    """Gives the answer of the route, a tenth as dear: encoded once a second.

    The route itself stays for the description, and for whoever mounts it without this.
    """

    def __init__(self, app: ASGIApp, monitor: HealthMonitor) -> None:
        self.app = app
        self._monitor = monitor
        self._second = -1
        self._start: dict[str, object] = {}
        self._body: dict[str, object] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain GET of the path; all else is for the layers below."""
        if not is_plain(scope):
            await self.app(scope, receive, send)
            return
        scope["route"] = ROUTE
        if self._second != (now := int(time.time())):
            self._second = now
            self._encode()
        # A copy: layers above add headers to it.
        await send(self._start.copy())
        await send(self._body)

    def _encode(self) -> None:
        content = self._monitor.brief().model_dump_json().encode()
        headers = [
            (b"content-length", b"%d" % len(content)),
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            *security.DATA,
        ]
        self._start = {"type": "http.response.start", "status": 200, "headers": headers}
        self._body = {"type": "http.response.body", "body": content}
