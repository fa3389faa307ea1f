"""Delight itself, as `group_vars/all` declares it: built from this tree, deployed, seen in a browser."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.fleet.support.hosts import Fleet
from tests.fleet.support.load import Load
from tests.fleet.support.playing import ROOT
from tests.support.clerk import Clerk, clerk

CLERK_HOST = "clerk.example.com"
CLERK_KEY = f"pk_test_{base64.b64encode(f'{CLERK_HOST}$'.encode()).decode()}"
BROWSER_S = 180


@pytest.fixture
def delight() -> dict[str, Any]:
    """The services of Delight."""
    file = ROOT / "group_vars/all/services.yml"
    found: dict[str, Any] = yaml.safe_load(file.read_text())["services"]
    return found


@pytest.fixture
def guest(solo: Fleet) -> Iterator[Fleet]:
    """The fleet of one host, to be left without a kept release that others would go back to."""
    yield solo
    for version in ("v1", "v2"):
        solo.deploy(version, release_keep=2).expect("released", 0)


def browse(url: str, *words: str) -> None:
    """Run browser tests of the pages against an environment."""
    argv = [str(ROOT / "frontend/check.sh"), "--e2e", url, *words]
    done = subprocess.run(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=BROWSER_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def pages(fleet: Fleet, host: str) -> set[str]:
    """The image, by digest, of the pages that run on a host."""
    names = fleet.exec(host, "docker", "ps", "--format", "{{.Image}}").splitlines()
    return {name for name in names if "delight-frontend" in name}


def policy(fleet: Fleet, host: str) -> str:
    """The policy of the page that signs in, as the host's edge answers."""
    return fleet.exec(host, "curl", "-sI", "-m", "10", "http://127.0.0.1/sign-in")


@pytest.fixture
def sign_in(delight: dict[str, Any]) -> Iterator[Clerk]:
    """A stand-in for Clerk, whose tokens the API verifies."""
    with clerk("sk_test_planted") as stand_in:
        delight["api"]["env"]["CLERK_JWT_KEY"] = stand_in.public_pem().replace("\n", "\\n")
        yield stand_in


@pytest.mark.promise("W1", "R4")
def test_built_deployed_and_seen_in_a_browser(
    guest: Fleet, delight: dict[str, Any], sign_in: Clerk
) -> None:
    built = guest.play("build")
    assert built.status == 0, built.output
    settings = {"services": delight, "app_url": guest.url, "clerk_issuer": sign_in.url}
    released = guest.play("deploy", **settings, migrate="before").expect("released", 0)
    user = {"id": "user_test", "secret_key": sign_in.secret_key, "issuer": sign_in.url,
            "api": sign_in.url}  # fmt: skip
    asked = guest.play(
        "smoke", smoke_url=guest.url, smoke_release=released.result["to"], smoke_user=user
    )
    assert asked.status == 0 and "ok      sign-in" in asked.output, asked.output
    assert sign_in.secret_key not in asked.output and not sign_in.sessions
    stranger = user | {"id": "user_nobody"}
    asked = guest.play("smoke", smoke_url=guest.url, smoke_user=stranger)
    assert asked.status == 23 and "answers 404 resource_not_found" in asked.output, asked.output
    asked = guest.play("smoke", smoke_url=guest.url, smoke_release="another")
    assert asked.status == 23 and "no answer is of release another" in asked.output, asked.output
    browse(guest.url, "status", "-g", "environment says")

    image = pages(guest, "solo")
    assert len(image) == 1
    assert CLERK_HOST not in policy(guest, "solo")
    with Load(guest.url, path="/healthz", pattern=("kept", "new"), slow_rate=0) as load:
        guest.play("deploy", **settings, clerk_publishable_key=CLERK_KEY).expect("released", 0)
        assert pages(guest, "solo") == image, "other settings need no other image"
        assert CLERK_HOST in policy(guest, "solo")
        guest.rollback().expect("released", 0)
        assert CLERK_HOST not in policy(guest, "solo")
    assert load.report.failures[:20] == []
    assert load.report.doubts() == ""
