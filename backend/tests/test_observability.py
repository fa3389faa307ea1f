"""What others are told: errors to Sentry, traces to a collector; no secret and no person."""

import asyncio
import base64
import html
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from app.core import request_id
from app.core.redact import MASK, Redactor
from app.core.settings import ConfigurationError, Settings, load
from app.worker.queue import Job, Queue
from tests.backing import PASSWORD, Postgres, Redis, wait_until
from tests.process import command, http, service
from tests.receiver import Received, Receiver, receiving
from tests.tokens import public_pem, signed_in, token
from tests.worker import JOBS, worker

PERSON = "ada.lovelace"
AWKWARD = "a.w/o'r\"d\\ ü\N{KEY}<&>\t+42\n"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where reports go."""
    with receiving() as server:
        yield server


@pytest.fixture
def values(postgres: Postgres, redis: Redis, tables: str) -> dict[str, str]:
    """The environment of a working service."""
    return {
        "DATABASE_URL": postgres.url(tables),
        "REDIS_URL": redis.url(),
        "CLERK_JWT_KEY": public_pem(),
        "CLERK_SECRET_KEY": "sk_test_planted",
        "RELEASE": "delight@2026.11.23",
        "ENVIRONMENT": "staging",
    }


def sentry_events(received: list[Received]) -> list[dict[str, Any]]:
    """The events of the envelopes: lines of JSON, header first, each item with a header."""
    events = []
    for request in received:
        assert request.path == "/api/42/envelope/"
        assert "sentry_key=planted-key" in request.headers["x-sentry-auth"]
        lines = request.body.split(b"\n")
        for header, payload in zip(lines[1::2], lines[2::2], strict=False):
            if header and json.loads(header)["type"] == "event":
                events.append(json.loads(payload))
    return events


def test_sentry_is_told_of_errors_and_not_of_persons(
    values: dict[str, str], receiver: Receiver
) -> None:
    dsn = f"http://planted-key@{receiver.address}/42"
    with service(values | {"SENTRY_DSN": dsn}, "tests.broken_app") as running:
        answer = http.get(
            f"{running.url}/broken/{PERSON}?email={PERSON}@example.com&key=planted-query",
            headers={"Cookie": "__session=planted-cookie", "X-Request-ID": "id-9", **signed_in()},
        )
        assert answer.status_code == 500
        running.process.terminate()
        running.process.wait(60)
    [event] = sentry_events(receiver.requests)
    assert event["release"] == "delight@2026.11.23"
    assert event["environment"] == "staging"
    assert event["tags"] == {"component": "api", "request_id": "id-9"}
    assert event["extra"]["fields"] == {"method": "GET", "route": "/broken/{person}"}
    [error] = event["exception"]["values"][-1:]
    assert (error["type"], error["value"]) == ("RuntimeError", f"no place for {MASK} at {MASK}")
    assert error["stacktrace"]["frames"][-1]["function"] == "broken"
    assert f"breadcrumb for {MASK} at {MASK}" in {
        crumb["message"] for crumb in event["breadcrumbs"]["values"]
    }
    told = b"".join(request.body for request in receiver.requests).decode()
    planted = (PASSWORD, values["REDIS_URL"], PERSON, "planted-cookie", "planted-query",
               "sk_test_planted", "eyJ", "example.com", "cookie")  # fmt: skip
    assert [word for word in planted if word.lower() in told.lower()] == []


def spans(received: list[Received]) -> tuple[dict[str, str], list[Span]]:
    """The resource's attributes and the spans that the collector got."""
    resource: dict[str, str] = {}
    found: list[Span] = []
    for request in received:
        assert request.path == "/v1/traces"
        assert request.headers["content-type"] == "application/x-protobuf"
        assert request.headers["api-key"] == "planted-header"
        message = ExportTraceServiceRequest.FromString(request.body)
        for entry in message.resource_spans:
            resource |= {pair.key: pair.value.string_value for pair in entry.resource.attributes}
            found += [span for scope in entry.scope_spans for span in scope.spans]
    return resource, found


def attributes(span: Span) -> dict[str, Any]:
    """A span's attributes by name."""
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes
    }


def test_traces_of_requests_statements_and_commands(
    values: dict[str, str], receiver: Receiver
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    collector = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.address}/",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=planted-header",
    }
    with service(values | collector, "tests.broken_app") as running:
        me = f"{running.url}/api/v1/users/me?email={PERSON}@example.com"
        assert http.get(me, headers={"traceparent": parent, **signed_in()}).status_code == 200
        assert http.get(me, headers={"Authorization": "Bearer x"}).status_code == 401
        assert http.get(f"{running.url}/broken/{PERSON}").status_code == 500
        running.process.terminate()
        running.process.wait(60)
    resource, found = spans(receiver.requests)
    assert resource["service.name"] == "delight-api"
    assert resource["service.version"] == values["RELEASE"]
    assert resource["deployment.environment.name"] == "staging"
    requests = [span for span in found if span.kind == Span.SPAN_KIND_SERVER]
    assert [(span.name, attributes(span)["http.response.status_code"]) for span in requests] == [
        ("GET /api/v1/users/me", 200),
        ("GET /api/v1/users/me", 401),
        ("GET /broken/{person}", 500),
    ]
    first, refused, broken = requests
    assert first.trace_id.hex() == parent.split("-")[1]
    assert first.parent_span_id.hex() == parent.split("-")[2]
    assert broken.status.code == 2
    children = {
        attributes(s).get("db.query.text") for s in found if s.parent_span_id == first.span_id
    }
    assert any(str(text).startswith("INSERT INTO users") for text in children)
    commands = [span for span in found if span.parent_span_id == refused.span_id]
    assert any("INCR" in span.name for span in commands)
    # Paths are part of a trace, as of the access log; nothing else that callers sent is.
    told = b"".join(request.body for request in receiver.requests).decode(errors="replace")
    planted = (PASSWORD, values["REDIS_URL"], "example.com", "eyJ", "user_1", "planted-header")
    assert [word for word in planted if word in told] == []


def test_a_worker_tells_too(
    values: dict[str, str], receiver: Receiver, settings: Settings, tmp_path: Path
) -> None:
    told = {
        "SENTRY_DSN": f"http://planted-key@{receiver.address}/42",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{receiver.address}",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=planted-header",
    }

    async def put() -> None:
        queue = Queue(settings)
        request_id.current.set("id-8")
        await queue.put(Job("fail", {}))
        await queue.close()

    with worker(values | told, tmp_path, JOBS) as running:
        asyncio.run(put())
        wait_until(lambda: "planted mistake" in running.log(), "the job has failed")
        running.process.terminate()
        assert running.end()[0] == 0
    envelopes = [request for request in receiver.requests if "envelope" in request.path]
    [event] = sentry_events(envelopes)
    assert event["tags"] == {"component": "worker", "request_id": "id-8"}
    assert event["exception"]["values"][-1]["value"] == "planted mistake"
    resource, found = spans([request for request in receiver.requests if request not in envelopes])
    assert resource["service.name"] == "delight-worker"
    assert "SELECT 1" in {attributes(span).get("db.query.text") for span in found}


def test_a_collector_that_is_gone_holds_nobody(values: dict[str, str]) -> None:
    gone = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "SENTRY_DSN": "http://k@127.0.0.1:1/1",
        "HURRY": "yes",
    }
    with service(values | gone, "tests.broken_app") as running:
        assert http.get(f"{running.url}/broken/x").status_code == 500
        running.process.terminate()
        status, _ = running.end()
    assert status == 0


def test_nothing_is_imported_that_is_not_wanted(values: dict[str, str]) -> None:
    # The same start, but what it would run only tells what has been imported.
    done = command("tests.imported", **values)
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert {"redis", "fastapi"} <= imported
    unwanted = {"sentry_sdk", "opentelemetry.sdk", "opentelemetry.exporter", "taskiq", "aiohttp"}
    assert imported & unwanted == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SENTRY_DSN", "https://sentry.example.com/1"),
        ("SENTRY_DSN", "https://key@sentry.example.com"),
        ("SENTRY_DSN", "https://key@sentry.example.com:0/1"),
        ("SENTRY_DSN", "https://[key@/1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:hidden@collector"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://[hidden"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hidden"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
    ],
)
def test_settings_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], name: str, value: str
) -> None:
    for given, text in (values | {name: value}).items():
        monkeypatch.setenv(given, text)
    with pytest.raises(ConfigurationError, match=f"^{name}: ") as refusal:
        load(Settings)
    assert "hidden" not in str(refusal.value)
    assert "key@" not in str(refusal.value).replace("https://key@host/project", "")


@pytest.mark.parametrize(
    "write",
    [
        str,
        repr,
        json.dumps,
        lambda text: repr(text.encode()),
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: json.dumps(json.dumps(text)),
        html.escape,
        shlex.quote,
        quote_plus,
        lambda text: quote(text, safe="").lower(),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(f"me:{text}".encode()).decode(),
        lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    ],
)
def test_redaction_of_what_is_encoded(write: Callable[[str], str]) -> None:
    shown = Redactor([AWKWARD]).text(f"it is {write(AWKWARD)}.")
    assert MASK in shown
    assert "42" not in shown


def test_a_secret_that_is_no_unicode_stops_nobody() -> None:
    assert Redactor(["half \udc80 a pair"]).text("half \udc80 a pair") == MASK


def test_redaction() -> None:
    redactor = Redactor(["word", "", "a whole word"])
    assert redactor.text("a whole word, a word") == f"{MASK}, a {MASK}"
    tree = {"word": ["x@y.example", 3, ("Bearer abc", None)], "jwt": token(), "release": "a@1.2.3"}
    assert redactor.anonymous(tree) == {
        MASK: [MASK, 3, [f"Bearer {MASK}", None]],
        "jwt": MASK,
        "release": "a@1.2.3",
    }
