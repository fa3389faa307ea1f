"""Bounds of one request: how much it may send, how long its answer may take."""

import asyncio
from typing import Annotated, ClassVar

from fastapi import Depends, Request
from pydantic import Field
from pydantic_settings import BaseSettings
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import BodyTooLargeError, TimedOutError
from app.core.fields import Seconds

DEADLINE = "app.deadline"  # in the scope: the asyncio.Timeout of the request


class LimitSettings(BaseSettings):
    """The bounds."""

    section: ClassVar[str] = "Limits"

    max_body_size: Annotated[int, Field(ge=1024, le=1 << 30)] = Field(
        1 << 20, description="Bytes of a request's body, at most; more is answered with 413."
    )
    request_timeout: Seconds = Field(
        20,
        description="Seconds an answer may take, streams apart; then it is 504. Below "
        "GRACEFUL_TIMEOUT, so that a stop cuts nobody.",
    )


class LimitMiddleware:
    """Raises BodyTooLargeError and TimedOutError; an outer layer makes answers of them."""

    def __init__(self, app: ASGIApp, settings: LimitSettings) -> None:
        self.app = app
        self.max_body_size = settings.max_body_size
        self.timeout = settings.request_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request within the bounds; other kinds of scope pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if int(Headers(scope=scope).get("content-length", 0)) > self.max_body_size:
            raise BodyTooLargeError
        deadline = asyncio.timeout(self.timeout)
        scope[DEADLINE] = deadline
        try:
            async with deadline:
                await self.app(scope, self._counted(receive), send)
        except TimeoutError:
            if deadline.expired():
                raise TimedOutError from None
            raise

    def _counted(self, receive: Receive) -> Receive:
        """The same, until too much has come: a body in chunks does not say its size before."""
        size = 0

        async def receive_some() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.max_body_size:
                raise BodyTooLargeError
            return message

        return receive_some


async def lift_time_limit(request: Request) -> None:
    """Let this request take as long as it wants."""
    request.scope[DEADLINE].reschedule(None)


# For the routes that stream: `@router.get("/events", dependencies=[NO_TIME_LIMIT])`.
NO_TIME_LIMIT = Depends(lift_time_limit)
