"""Errors that carry their answer: status, code and sentence, as problem+json (RFC 9457)."""

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import request_id
from app.core.metrics import METHODS
from app.core.requests import route_template

logger = logging.getLogger("app.errors")

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """What is wrong with one part of the request."""

    location: str = Field(description="body, query, path, header or cookie")
    pointer: str = Field(description="JSON pointer (RFC 6901) inside it; empty for all of it")
    detail: str


class Problem(BaseModel):
    """Every answer from 400 up."""

    type: str = "about:blank"
    title: str
    status: int
    code: str = Field(description="What programs decide by")
    detail: str
    request_id: str | None = Field(description="The same as X-Request-ID: quote it in reports")
    errors: list[FieldProblem] | None = Field(None, description="Only in answers with status 422")


class AppError(HTTPException):
    """Base of the errors that are answers. Nothing of them is secret: callers read all of it."""

    status: ClassVar[HTTPStatus]
    code: ClassVar[str]
    sentence: ClassVar[str]

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(self.status, self.sentence, headers)


class InvalidRequestError(AppError):
    """The request is not as described; the fields at fault are named beside it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid_request"
    sentence = "The request is not what is described."


class BodyTooLargeError(AppError):
    """More bytes than MAX_BODY_SIZE."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "body_too_large"
    sentence = "The body is larger than this service reads."


class TimedOutError(AppError):
    """No answer within REQUEST_TIMEOUT."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "timed_out"
    sentence = "The answer took too long and was given up."


class UnavailableError(AppError):
    """Something that the answer needs does not work now; a later try may succeed."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "unavailable"
    sentence = "This can't be answered at the moment."

    def __init__(self, retry_after: int = 5) -> None:
        super().__init__({"Retry-After": str(retry_after)})


class TooManyRequestsError(AppError):
    """A rate limit is reached; `retry_after` is in seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"
    sentence = "Too many requests from this address."

    def __init__(self, retry_after: int) -> None:
        super().__init__({"Retry-After": str(retry_after)})


def problem(error: HTTPException, errors: Sequence[FieldProblem] | None = None) -> Response:
    """The answer of an error; framework errors get a code from their status."""
    status = HTTPStatus(error.status_code)
    body = Problem(
        title=status.phrase,
        status=status,
        code=getattr(error, "code", status.name.lower()),
        detail=error.detail,
        request_id=request_id.current.get(),
        errors=list(errors) if errors else None,
    )
    # In ASCII: a field's name may hold half a surrogate pair, which no encoding can take.
    content = json.dumps(body.model_dump(exclude_none=True))
    return Response(content, status, error.headers, MEDIA_TYPE)


def internal_error() -> Response:
    """The answer to what nobody foresaw: the request's id and no detail."""
    return problem(HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here."))


class ErrorMiddleware:
    """Makes an answer of what the layers below raise; what nobody foresaw is logged."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of scope pass through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_noticed(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_noticed)
        except Exception as error:
            if not isinstance(error, AppError):
                fields = {"method": scope["method"], "route": route_template(scope)}
                logger.exception("unhandled error", extra={"fields": fields})
            if begun:
                raise  # only cutting the connection tells the caller
            answer = problem(error) if isinstance(error, AppError) else internal_error()
            await answer(scope, receive, send)


def pointer(location: Sequence[Any]) -> str:
    """A JSON pointer of the steps below the first."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in location[1:])
    return "".join(f"/{step}" for step in steps)


def allowed_methods(request: Request) -> list[str]:
    """All that the path is served with; the router knows those of one route only."""

    def is_served(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return [method for method in sorted(METHODS) if is_served(method)]


def install(app: FastAPI) -> None:
    """Answer all errors of the framework and of the routes as problems."""

    @app.exception_handler(HTTPException)
    async def answer(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            error.headers = {"Allow": ", ".join(allowed_methods(request))}
        return problem(error)

    @app.exception_handler(RequestValidationError)
    async def answer_invalid(_: Request, error: RequestValidationError) -> Response:
        return problem(InvalidRequestError(), [_field(entry) for entry in error.errors()])


def _field(entry: Mapping[str, Any]) -> FieldProblem:
    """One error of pydantic; its input is left out."""
    location = entry["loc"]
    # Here the second step is an offset in the text.
    steps = location[:1] if entry["type"] == "json_invalid" else location
    detail = str(entry["msg"]).removeprefix("Value error, ")
    return FieldProblem(location=str(location[0]), pointer=pointer(steps), detail=detail)
