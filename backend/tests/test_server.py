"""The process: starts, logs, shows its metrics, survives outages, stops gracefully."""

import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app import __version__
from tests.backing import PASSWORD, Postgres, Redis, wait_until
from tests.ports import free_ports
from tests.process import Service, command, http, service

SLOW = "tests.slow_app"


@pytest.fixture
def values(postgres: Postgres, redis: Redis, tmp_path: Path) -> dict[str, str]:
    """The environment of a working service, its database by file."""
    file = tmp_path / "DATABASE_URL"
    file.write_text(postgres.url() + "\n")
    return {
        "DATABASE_URL_FILE": str(file),
        "REDIS_URL": redis.url(),
        "CLERK_SECRET_KEY": "sk_test_planted",
        "RELEASE": "r-7",
        "SLOW_UNTIL": str(tmp_path / "go"),
    }


def in_progress(running: Service) -> int:
    """Requests that the service is answering, by its own metrics."""
    return int(running.metric("http_requests_in_progress"))


def test_serves_and_stops(values: dict[str, str]) -> None:
    with service(values) as running:
        answer = http.get(f"{running.url}/api/v1/health/detailed")
        assert (answer.status_code, answer.json()["status"]) == (200, "healthy")
        assert answer.json()["release"] == "r-7"
        assert "server" not in answer.headers
        assert http.get(f"{running.url}/metrics").status_code == 404
        beside = f"http://127.0.0.1:{running.metrics_port}"
        metrics = http.get(f"{beside}/metrics")
        assert f'delight_info{{release="r-7",version="{__version__}"}} 1.0' in metrics.text
        assert "process_resident_memory_bytes" in metrics.text
        assert http.get(f"{beside}/api/v1/health").status_code == 404
        running.process.send_signal(signal.SIGTERM)
        status, lines = running.end()
    assert status == 0
    assert {line["release"] for line in lines} == {"r-7"}
    assert PASSWORD not in str(lines)


def test_open_requests_are_finished(values: dict[str, str], tmp_path: Path) -> None:
    with service(values, SLOW) as running, ThreadPoolExecutor() as pool:
        request = pool.submit(http.get, f"{running.url}/slow", timeout=120)
        wait_until(lambda: in_progress(running) == 1, "the request has arrived")
        running.process.send_signal(signal.SIGTERM)
        wait_until(running.refuses, "new connections are refused")
        assert not request.done()
        assert in_progress(running) == 1
        (tmp_path / "go").touch()
        assert request.result(60).json() == "done"
        status, lines = running.end()
    assert status == 0
    [line] = [line for line in lines if line.get("path") == "/slow"]
    assert (line["status"], len(line["request_id"])) == (200, 32)


def test_a_request_longer_than_the_bound_is_cut(values: dict[str, str]) -> None:
    with service(values | {"GRACEFUL_TIMEOUT": "1"}, SLOW) as running, ThreadPoolExecutor() as pool:
        request = pool.submit(http.get, f"{running.url}/slow", timeout=120)
        wait_until(lambda: in_progress(running) == 1, "the request has arrived")
        running.process.send_signal(signal.SIGTERM)
        status, lines = running.end()
        assert request.exception(60) or request.result().status_code == 500
    assert status == 0
    assert "timeout graceful shutdown exceeded" in str(lines)


def test_a_second_signal_ends_the_wait(values: dict[str, str]) -> None:
    # One hour of grace: that the process ends at all is the second signal's work.
    with service(values | {"GRACEFUL_TIMEOUT": "3600"}, SLOW) as running, ThreadPoolExecutor() as p:
        request = p.submit(http.get, f"{running.url}/slow", timeout=120)
        wait_until(lambda: in_progress(running) == 1, "the request has arrived")
        running.process.send_signal(signal.SIGINT)
        wait_until(running.refuses, "the first signal has been seen")
        running.process.send_signal(signal.SIGINT)
        status, _ = running.end()
        assert request.exception(60) or request.result().status_code == 500
    assert status == 0


def test_survives_frozen_dependencies(
    values: dict[str, str], postgres: Postgres, redis: Redis
) -> None:
    with service(values | {"HEALTH_TIMEOUT": "0.5"}) as running:

        def is_now(status: str) -> bool:
            answer = http.get(f"{running.url}/api/v1/health/detailed", timeout=60)
            return bool(answer.json()["status"] == status)

        wait_until(lambda: is_now("healthy"), "healthy at first")
        with postgres.frozen(), redis.frozen():
            wait_until(lambda: is_now("unhealthy"), "the outage is seen")
        wait_until(lambda: is_now("healthy"), "healthy again")
        running.process.send_signal(signal.SIGTERM)
        status, lines = running.end()
    assert status == 0
    assert "no answer within 0.5 s" in str(lines)
    assert PASSWORD not in str(lines)


def test_a_configuration_that_cannot_be_used() -> None:
    done = command("app", DATABASE_URL="mysql://u:hidden-word@h/d", PORT="eighty")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "configuration: DATABASE_URL: must be a URL like postgresql://user:password@host:port/name",
        "configuration: REDIS_URL is not set (nor REDIS_URL_FILE)",
        "configuration: PORT: Input should be a valid integer, "
        "unable to parse string as an integer",
    ]


def test_a_port_in_use(values: dict[str, str]) -> None:
    port, other = free_ports(2)
    with socket.create_server(("127.0.0.1", port)):
        for name in ("PORT", "METRICS_PORT"):
            own = {"HOST": "127.0.0.1", "PORT": str(other), "METRICS_PORT": str(other)}
            done = command("app", **values | own | {name: str(port)})
            assert done.returncode not in {0, None}
            assert "address already in use" in done.stdout


def test_healthcheck(values: dict[str, str]) -> None:
    with service(values) as running:
        port = str(running.port)
        up = command("app.healthcheck", PORT=port)
        other = command("app.healthcheck", PORT=str(running.metrics_port))
    down = command("app.healthcheck", PORT=port)
    assert (up.returncode, up.stdout) == (0, "HTTP/1.1 200 OK\n")
    assert (other.returncode, other.stdout) == (1, "HTTP/1.1 404 Not Found\n")
    assert (down.returncode, down.stdout) == (1, "no answer: Connection refused\n")


def test_healthcheck_is_light() -> None:
    done = command("app.healthcheck", PORT="1", PYTHONPROFILEIMPORTTIME="1")
    for heavy in ("asyncio", "http.client", "pydantic", "email"):
        assert f" {heavy}\n" not in done.stderr
