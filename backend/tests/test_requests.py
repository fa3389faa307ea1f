"""Around each request: id, log line, metrics, unforeseen errors, origins."""

import json
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from starlette.types import Message

from app import __version__
from app.core import request_id
from app.core.logs import JsonFormatter
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import client_of

pytestmark = pytest.mark.anyio
PLANTED = "hidden-word"


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """The application with three misbehaving routes."""
    app = create_app(settings)

    @app.get("/broken/{number}")
    async def broken(number: int) -> None:
        raise RuntimeError(f"postgresql://u:{PLANTED}@h/{number}")

    @app.get("/refused")
    async def refused() -> None:
        raise HTTPException(418, "no")

    @app.get("/cut")
    async def cut() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("lost")

        return StreamingResponse(body())

    return app


def samples(app: FastAPI, name: str) -> dict[tuple[str, ...], float]:
    """Values of a metric by their labels' values."""
    text = generate_latest(app.state.metrics.registry).decode()
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


@pytest.mark.parametrize("given", ["abc-1:2.3_4", "x" * 64])
async def test_a_sane_id_is_echoed(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get("/api/v1/health", headers={"X-Request-ID": given})
    assert answer.headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", [b"", b"a b", b'a"b', b"x" * 65, "ä".encode()])
async def test_another_id_is_replaced(client: httpx.AsyncClient, given: bytes) -> None:
    answer = await client.get("/api/v1/health", headers=[(b"X-Request-ID", given)])
    [chosen] = answer.headers.get_list("x-request-id")
    assert len(chosen) == 32
    assert chosen.encode() != given


async def test_two_ids_are_no_id(client: httpx.AsyncClient) -> None:
    twice = [("X-Request-ID", "a"), ("X-Request-ID", "b")]
    answer = await client.get("/api/v1/health", headers=twice)
    assert answer.headers["x-request-id"] not in {"a", "b"}


async def test_an_unforeseen_error_keeps_its_details(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with client_of(app) as client:
        answer = await client.get("/broken/7", headers={"X-Request-ID": "id-7"})
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "code": "internal_server_error",
        "detail": "Something went wrong here.",
        "request_id": "id-7",
    }
    assert PLANTED not in str(answer.headers)
    assert answer.headers["x-request-id"] == "id-7"
    [error] = (r for r in caplog.records if r.name == "app.errors")
    [request] = (r for r in caplog.records if r.name == "app.requests")
    assert error.exc_info is not None
    assert request.__dict__["fields"] | {"duration_ms": 0} == {
        "method": "GET",
        "route": "/broken/{number}",
        "path": "/broken/7",
        "status": 500,
        "duration_ms": 0,
    }
    assert samples(app, "http_requests_total")[("GET", "/broken/{number}", "500")] == 1


async def test_an_answer_that_has_begun_is_cut(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        with pytest.raises(RuntimeError, match="lost"):
            await client.get("/cut")


async def test_metrics_have_bounded_labels(app: FastAPI) -> None:
    async with client_of(app) as client:
        await client.get("/api/v1/health")
        await client.get("/refused")
        await client.get("/no/such/path")
        await client.request("BREW", "/another")
    counted = samples(app, "http_requests_total")
    assert counted == {
        ("GET", "/api/v1/health", "200"): 1,
        ("GET", "/refused", "418"): 1,
        ("GET", "unmatched", "404"): 1,
        ("other", "unmatched", "404"): 1,
    }
    assert samples(app, "http_requests_in_progress") == {(): 0}
    assert samples(app, "http_request_duration_seconds_count")[("GET", "/refused")] == 1
    assert [set(labels) for labels in samples(app, "delight_info")] == [{__version__, "r-1"}]


async def test_health_requests_are_quiet(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with client_of(app) as client:
        await client.get("/api/v1/health")
        await client.get("/refused")
    lines = [r.__dict__["fields"]["path"] for r in caplog.records if r.name == "app.requests"]
    assert lines == ["/refused"]


async def test_the_start_and_the_end_pass_all_layers(app: FastAPI) -> None:
    steps = iter(["startup", "shutdown"])
    told: list[str] = []

    async def receive() -> Message:
        return {"type": f"lifespan.{next(steps)}"}

    async def send(message: Message) -> None:
        told.append(message["type"])

    await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_only_allowed_origins(client: httpx.AsyncClient) -> None:
    for origin, allowed in (("http://localhost:3000", True), ("http://evil.example", False)):
        answer = await client.get("/api/v1/health", headers={"Origin": origin})
        assert (answer.headers.get("access-control-allow-origin") == origin) is allowed


def test_log_lines() -> None:
    formatter = JsonFormatter("r-1", ["", "word", f"postgresql://u:{PLANTED}@h/d", PLANTED])
    token = request_id.current.set("id-1")
    try:
        raise RuntimeError(f"with {PLANTED}")
    except RuntimeError as error:
        record = logging.LogRecord(
            "app.x", logging.ERROR, "f", 1, "to %s", (f"postgresql://u:{PLANTED}@h/d",), None
        )
        record.exc_info = (type(error), error, error.__traceback__)
        record.fields = {"note": f"a {PLANTED}", "count": 2}
        line = formatter.format(record)
    finally:
        request_id.current.reset(token)
    assert "\n" not in line
    entry = json.loads(line)
    assert PLANTED not in line
    assert entry["time"].endswith("+00:00")
    assert (entry["level"], entry["logger"], entry["message"]) == (
        "ERROR",
        "app.x",
        "to [redacted]",
    )
    assert (entry["release"], entry["request_id"]) == ("r-1", "id-1")
    assert (entry["note"], entry["count"]) == ("a [redacted]", 2)
    assert entry["exception"].endswith("RuntimeError: with [redacted]\n")
