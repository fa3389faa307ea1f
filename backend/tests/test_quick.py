"""The health's short way gives the answer of its route, in every respect."""

import httpx
import pytest
from fastapi import FastAPI

from app.core.settings import Settings
from app.health.quick import PATH, is_plain
from app.main import create_app
from tests.conftest import client_of
from tests.test_requests import samples

pytestmark = pytest.mark.anyio
ORIGIN = {"Origin": "http://localhost:3000"}


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """The application."""
    return create_app(settings)


@pytest.mark.parametrize(
    ("method", "path", "headers", "plain"),
    [
        ("GET", PATH, [(b"host", b"x")], True),
        ("GET", PATH, [(b"origin", b"http://localhost:3000")], False),
        ("HEAD", PATH, [], False),
        ("GET", f"{PATH}/detailed", [], False),
    ],
)
def test_which_requests_go_the_short_way(
    method: str, path: str, headers: list[tuple[bytes, bytes]], plain: bool
) -> None:
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    assert is_plain(scope) is plain
    assert not is_plain({"type": "lifespan"})


async def test_the_answers_are_the_same(app: FastAPI) -> None:
    def essence(answer: httpx.Response) -> dict[str, str]:
        beside = ("access-control-", "vary", "x-request-id")
        return {k: v for k, v in answer.headers.items() if not k.startswith(beside)}

    async with client_of(app) as client:
        short, again, route = [
            await client.get(PATH, headers=headers) for headers in ({}, {}, ORIGIN)
        ]
    assert essence(short) == essence(again) == essence(route)
    assert short.json() | {"timestamp": ""} == route.json() | {"timestamp": ""}
    assert short.headers["x-request-id"] != again.headers["x-request-id"]
    # Both are counted as one route.
    assert samples(app, "http_requests_total") == {("GET", PATH, "200"): 3}
