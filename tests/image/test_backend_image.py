"""The backend's image, as a host runs it: locked down, without root, with its secrets in files."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.image.conftest import (
    LOCKED_DOWN,
    ROOT,
    RUN,
    assert_clean,
    assert_plain_user,
    build_image,
    docker,
    inspect,
    remember_size,
    remove_images,
)
from tests.support.waiting import wait_until

DATABASE_PASSWORD = "planted-database-word"


@pytest.fixture(scope="module")
def image(lab_images: None, bundle: Path) -> Iterator[str]:
    """The image, built with certificate authorities of this machine that carry a mark."""
    tag = f"{RUN}/backend:1"
    build_image(ROOT / "backend", tag, "delight-lab/python:3.13", bundle)
    remember_size("backend", tag)
    yield tag
    remove_images(tag)


@pytest.fixture(scope="module")
def flags(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Flags of `docker run` that give a container a database, a Redis and its secrets."""
    secrets = tmp_path_factory.mktemp("secrets")
    secrets.chmod(0o755)
    files = {
        "DATABASE_URL": f"postgresql://postgres:{DATABASE_PASSWORD}@{RUN}-postgres/postgres\n",
        "REDIS_URL": f"redis://{RUN}-redis\n",
        "CLERK_SECRET_KEY": "sk_test_planted\n",
    }
    for name, value in files.items():
        (secrets / name).write_text(value)
        (secrets / name).chmod(0o444)
    network = f"--network={RUN}"
    docker("network", "create", RUN)
    try:
        docker("run", "-d", f"--name={RUN}-postgres", network,
               f"--env=POSTGRES_PASSWORD={DATABASE_PASSWORD}", "delight-lab/postgres:17")  # fmt: skip
        docker("run", "-d", f"--name={RUN}-redis", network, "delight-lab/redis:8",
               "redis-server", "--protected-mode", "no", "--save", "")  # fmt: skip
        ready = ["exec", f"{RUN}-postgres", "pg_isready", "-q", "-h", "127.0.0.1"]
        wait_until(lambda: docker(*ready, check=False).returncode == 0, "PostgreSQL is ready")
        named = [f"--env={name}_FILE=/run/secrets/{name}" for name in files]
        yield [*LOCKED_DOWN, network, f"--volume={secrets}:/run/secrets:ro", *named]
    finally:
        docker("rm", "-fv", f"{RUN}-postgres", f"{RUN}-redis", check=False)
        docker("network", "rm", RUN, check=False)


@pytest.fixture
def service(image: str, flags: list[str]) -> Iterator[str]:
    """The name of a running container."""
    name = f"{RUN}-api"
    docker(
        "run", "-d", f"--name={name}", "--env=RELEASE=r-9", "--health-interval=1s", *flags, image
    )
    try:
        yield name
    finally:
        docker("rm", "-fv", name, check=False)


def health(container: str) -> dict[str, Any]:
    """Its detailed health, {} while there is none."""
    address = inspect(container)["NetworkSettings"]["Networks"][RUN]["IPAddress"]
    url = f"http://{address}:8000/api/v1/health/detailed"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            body: dict[str, Any] = json.load(answer)
            return body
    except OSError:
        return {}


def test_runs_locked_down_and_stops_gracefully(service: str) -> None:
    wait_until(lambda: health(service).get("status") == "healthy", "the service is healthy")
    assert health(service)["release"] == "r-9"
    healthy = "healthy"
    wait_until(lambda: inspect(service)["State"]["Health"]["Status"] == healthy, "Docker agrees")
    assert "HTTP/1.1 200 OK" in inspect(service)["State"]["Health"]["Log"][-1]["Output"]
    assert_plain_user(service)
    docker("stop", "--time=60", service)
    assert inspect(service)["State"]["ExitCode"] == 0
    lines = [json.loads(line) for line in docker("logs", service).stdout.splitlines()]
    assert {line["release"] for line in lines} == {"r-9"}
    assert DATABASE_PASSWORD not in str(lines)


def test_migrates_only_when_told(image: str, flags: list[str], service: str) -> None:
    wait_until(lambda: health(service).get("status") == "healthy", "the service is healthy")
    once = ["run", "--rm", *flags, image]
    before = docker(*once, "python", "-m", "app.db.pending")
    assert before.stdout.splitlines()[0] == "0001 expand Create users"
    docker(*once, "alembic", "upgrade", "head")
    after = docker(*once, "python", "-m", "app.db.pending")
    assert (after.stdout, after.stderr) == ("", "")


def test_a_stop_while_it_starts_is_obeyed_at_once(image: str, flags: list[str]) -> None:
    name = f"{RUN}-early"
    docker("run", "-d", f"--name={name}", "--env=GRACEFUL_TIMEOUT=3600", *flags, image)

    def listens() -> bool:
        status = docker("exec", name, "cat", "/proc/1/status").stdout
        caught = int(status.partition("SigCgt:\t")[2].partition("\n")[0], 16)
        return bool(caught & 1 << (signal.SIGTERM - 1))

    try:
        wait_until(listens, "the process has a handler")
        # Killed after ten minutes it would end with 137.
        docker("stop", "--time=600", name)
        assert inspect(name)["State"]["ExitCode"] in {0, 143}
    finally:
        docker("rm", "-fv", name, check=False)


def test_nothing_is_in_it_that_should_not_be(image: str) -> None:
    assert_clean(image)
    look = (
        "find /app -not -path '*/__pycache__*' -printf '/app/%P\\n' && "
        "find /app /opt/venv -writable -printf 'writable %p\\n'"
    )
    listed = docker("run", "--rm", image, "sh", "-c", look).stdout
    names = {line.removeprefix("/app/").partition("/")[0] for line in listed.splitlines()[1:]}
    assert names == {"app", "migrations", "alembic.ini"}


def test_it_is_compiled(image: str) -> None:
    """A start writes no bytecode, so it must be there, and be taken without a look at the source."""
    code = (
        "import pathlib, sys; "
        "found = list(pathlib.Path('/app').rglob('*.pyc')); "
        "flags = {int.from_bytes(p.read_bytes()[4:8], 'little') for p in found}; "
        "sources = list(pathlib.Path('/app').rglob('*.py')); "
        "print(len(found) == len(sources), flags)"
    )
    assert docker("run", "--rm", image, "python", "-c", code).stdout == "True {1}\n"
