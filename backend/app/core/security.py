"""Headers that tell browsers what not to do with an answer."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]

# The answers are data: nothing in them is to be run, shown in a frame, or guessed at.
# Strict-Transport-Security is the edge's to say, which holds the certificate.
COMMON: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-site"),
]
DATA: Headers = [
    *COMMON,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
# The page with the API's documentation takes its scripts from where FastAPI says.
PAGE: Headers = [
    *COMMON,
    (
        b"content-security-policy",
        b"default-src 'none'; script-src https://cdn.jsdelivr.net 'unsafe-inline'; "
        b"style-src https://cdn.jsdelivr.net 'unsafe-inline'; connect-src 'self'; "
        b"img-src data: https://fastapi.tiangolo.com; frame-ancestors 'none'",
    ),
]


class SecurityHeadersMiddleware:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp, page: str | None) -> None:
        self.app = app
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of scope pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        added = PAGE if scope["path"] == self.page else DATA

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self.app(scope, receive, send_with_headers)
