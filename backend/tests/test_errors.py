"""Errors are problems with the request's id, and browsers of allowed origins may read them."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel

from app.core.errors import Problem
from app.core.limits import NO_TIME_LIMIT
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import client_of

pytestmark = pytest.mark.anyio
ORIGIN = "http://localhost:3000"
LIMIT = 1024  # bytes


class Thing(BaseModel):
    """Something to send."""

    name: str


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """The application with narrow limits and routes that run into them."""
    app = create_app(settings.model_copy(update={"max_body_size": LIMIT}))

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("hidden-word")

    @app.get("/impatient")
    async def impatient() -> None:
        raise TimeoutError("hidden-word")

    @app.post("/things/{number}")
    async def add(number: int, page: int, thing: list[Thing]) -> int:
        return len(thing)

    @app.post("/read")
    async def read(request: Request) -> int:
        return len(await request.body())

    @app.post("/ignore")
    async def ignore() -> str:
        return "done"

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at an allowed origin."""
    async with client_of(app) as made:
        made.headers["Origin"] = ORIGIN
        yield made


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/no/such/path", 404, "not_found"),
        ("DELETE", "/api/v1/health", 405, "method_not_allowed"),
        ("GET", "/api/v1/users/me", 401, "unauthorized"),
        ("GET", "/broken", 500, "internal_server_error"),
        ("GET", "/impatient", 500, "internal_server_error"),
        ("POST", "/things/x", 422, "invalid_request"),
    ],
)
async def test_every_error_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate_json(answer.text)
    assert (answer.status_code, problem.status, problem.code) == (status, status, code)
    assert problem.request_id == answer.headers["x-request-id"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    assert "hidden-word" not in answer.text
    assert (problem.errors is None) is (status != 422)


async def test_a_method_that_is_not_allowed_names_the_others(client: httpx.AsyncClient) -> None:
    for path, methods in (("/api/v1/health", "GET"), ("/api/v1/users/me", "GET, PATCH")):
        answer = await client.delete(path)
        assert answer.headers["allow"] == methods


async def test_the_fields_are_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things/x", json=[{"name": "hidden-word"}, {"name": 7}])
    named = [(entry["location"], entry["pointer"]) for entry in answer.json()["errors"]]
    assert named == [("path", "/number"), ("query", "/page"), ("body", "/1/name")]
    assert "hidden-word" not in answer.text


@pytest.mark.parametrize("body", [b"{", b'{"a\\ud800": NaN}', b"", b"7"])
async def test_bodies_that_are_not_understood(client: httpx.AsyncClient, body: bytes) -> None:
    json = {"Content-Type": "application/json"}
    answer = await client.post("/things/1?page=1", content=body, headers=json)
    assert answer.status_code == 422
    assert [entry["pointer"] for entry in answer.json()["errors"]] == [""]


@pytest.mark.parametrize("body", [b'"\xff"', b"[" * LIMIT])
async def test_bodies_that_cannot_be_read(client: httpx.AsyncClient, body: bytes) -> None:
    json = {"Content-Type": "application/json"}
    answer = await client.post("/things/1?page=1", content=body, headers=json)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/read", "/ignore", "/things/1?page=1", "/no/such/path"])
async def test_a_body_that_says_it_is_too_large(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, content=b"x" * (LIMIT + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("path", ["/read", "/things/1?page=1"])
async def test_a_body_in_chunks_that_is_too_large(client: httpx.AsyncClient, path: str) -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 256

    answer = await client.post(path, content=chunks(5))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert (await client.post("/read", content=chunks(4))).json() == LIMIT


async def test_only_streams_may_take_their_time(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"request_timeout": 0.05}))
    given_up = asyncio.Event()

    @app.get("/stuck")
    async def stuck() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    @app.get("/stream", dependencies=[NO_TIME_LIMIT])
    async def stream() -> str:
        await given_up.wait()
        return "done"

    async with client_of(app) as client:
        streaming = asyncio.create_task(client.get("/stream"))
        answer = await client.get("/stuck", headers={"Origin": ORIGIN})
        streamed = await streaming
    assert (answer.status_code, answer.json()["code"]) == (504, "timed_out")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert (streamed.status_code, streamed.json()) == (200, "done")


@pytest.mark.parametrize(
    "path", ["/api/v1/health", "/no/such/path", "/broken", "/api/openapi.json"]
)
async def test_browsers_are_told_to_be_careful(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-site"
    policy = "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["content-security-policy"] == policy


async def test_the_documentation_can_be_shown(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/docs")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    for source in ("cdn.jsdelivr.net", "fastapi.tiangolo.com"):
        assert (source in answer.text) is (source in policy)


async def test_a_preflight(client: httpx.AsyncClient) -> None:
    asked = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    for origin, status in ((ORIGIN, 200), ("http://evil.example", 400)):
        headers = {**asked, "Origin": origin}
        answer = await client.options("/api/v1/users/me", headers=headers)
        assert answer.status_code == status
        assert (answer.headers.get("access-control-allow-origin") == origin) is (status == 200)
