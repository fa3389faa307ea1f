"""The image of the pages, as a host runs it: locked down, without root, its settings from outside."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from pathlib import Path

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

BASE = "delight-lab/node:20"


@pytest.fixture(scope="module")
def image(lab_images: None, bundle: Path) -> Iterator[str]:
    """The image."""
    tag = f"{RUN}/frontend:1"
    build_image(ROOT / "frontend", tag, BASE, bundle)
    remember_size("frontend", tag)
    yield tag
    remove_images(tag)


@contextmanager
def serving(image: str, name: str, **settings: str) -> Iterator[str]:
    """The base URL of a container that answers."""
    container = f"{RUN}-{name}"
    given = [f"--env={key}={value}" for key, value in settings.items()]
    docker("run", "-d", f"--name={container}", "--health-interval=1s", *LOCKED_DOWN, *given, image)
    try:
        [network] = inspect(container)["NetworkSettings"]["Networks"].values()
        url = f"http://{network['IPAddress']}:3000"

        def answers() -> bool:
            try:
                return ask(f"{url}/healthz")[0] != ""
            except OSError:
                return False

        wait_until(answers, f"{container} answers")
        yield url
    finally:
        docker("rm", "-fv", container, check=False)


def ask(url: str) -> tuple[str, HTTPMessage]:
    """Body and headers of an answer."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 ours
        return answer.read().decode(), answer.headers


def test_runs_locked_down_and_stops_gracefully(image: str) -> None:
    container = f"{RUN}-web"
    with serving(image, "web", RELEASE="r-9") as url:
        answer = json.loads(ask(f"{url}/healthz")[0])
        assert (answer["status"], answer["release"]) == ("healthy", "r-9")
        wait_until(
            lambda: inspect(container)["State"]["Health"]["Status"] == "healthy", "Docker agrees"
        )
        assert_plain_user(container)
        docker("stop", "--time=60", container)
        assert inspect(container)["State"]["ExitCode"] == 0


def test_one_image_has_the_settings_of_every_environment(image: str) -> None:
    api = "https://api.example.com"
    with (
        serving(image, "staging", ENVIRONMENT="staging") as staging,
        serving(
            image, "production", ENVIRONMENT="production", NEXT_PUBLIC_API_URL=api
        ) as production,
    ):
        page, headers = ask(f"{staging}/status")
        assert headers["X-Robots-Tag"] == "noindex"
        assert api not in headers["Content-Security-Policy"] + page
        page, headers = ask(f"{production}/status")
        assert headers["X-Robots-Tag"] is None
        assert f"connect-src 'self' {api};" in headers["Content-Security-Policy"]
        assert api in page


def test_a_page_loads_little(image: str, bundle: Path) -> None:
    tag = f"{RUN}/frontend:build"
    build_image(ROOT / "frontend", tag, BASE, bundle, "--target=build")
    try:
        scripts = f"--volume={ROOT}/frontend/scripts:/app/scripts:ro"
        said = docker("run", "--rm", scripts, tag, "pnpm", "--silent", "bundle-size").stdout
    finally:
        remove_images(tag)
    assert "/status" in said


def test_nothing_is_in_it_that_should_not_be(image: str) -> None:
    assert_clean(image)
    look = "cd /app && ls -A && find . -writable -not -type l -printf 'writable %p\\n'"
    listed = docker("run", "--rm", image, "sh", "-c", look).stdout
    assert set(listed.split("\n")) - {""} == {
        ".next", "healthcheck.mjs", "node_modules", "package.json", "server.js"
    }  # fmt: skip
