"""Rollbacks from where fleets come to stand."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from delight.host import docker

from tests.simulation import invariants
from tests.simulation.fleet import Fleet
from tests.simulation.host import Host

pytestmark = pytest.mark.promise("R3", "R5")


def test_a_mixed_fleet_goes_back_to_what_a_part_of_it_serves(make: Callable[..., Fleet]) -> None:
    fleet = make("app1", "app2")
    fleet.deploy("v1")
    second = fleet.deploy("v2").result["to"]
    mixed = fleet.run("deploy", limit={"app1"}, version="v3", allow_mixed=True)
    assert mixed.outcome == "released", mixed.result
    back = fleet.run("rollback")
    assert (back.outcome, back.result["to"]) == ("released", second), back.result
    invariants.at_rest(fleet.hosts, second)


def test_an_image_that_is_gone_is_pulled_again_with_the_login(
    make: Callable[..., Fleet], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = make("app1", "app2")
    first = fleet.deploy("v1").result["to"]
    fleet.deploy("v2")
    for host in fleet.hosts.values():
        host.engine.images.clear()
    logins = []

    def exchange(request: bytes, timeout_s: float) -> bytes:
        head = request.partition(b"\r\n\r\n")[0].decode()
        if "/images/create" in head:
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
            logins.append(json.loads(base64.urlsafe_b64decode(fields["X-Registry-Auth"])))
        return Host.now.engine.exchange(request)

    monkeypatch.setattr(docker, "_exchange", exchange)
    back = fleet.run("rollback", registry_username="puller", registry_password="word")
    assert (back.outcome, back.result["to"]) == ("released", first), back.result
    assert logins == [{"username": "puller", "password": "word"}] * 2


@pytest.mark.promise("H8")
def test_a_host_that_joined_later_is_brought_along(make: Callable[..., Fleet]) -> None:
    fleet = make("app1", "app2")
    late = fleet.hosts.pop("app2")
    first = fleet.deploy("v1").result["to"]
    second = fleet.deploy("v2").result["to"]
    fleet.hosts["app2"] = late
    # It joins with the deploy of what the others serve already.
    assert fleet.deploy("v2").outcome == "released"
    invariants.at_rest(fleet.hosts, second)
    back = fleet.run("rollback")
    assert (back.outcome, back.result["to"]) == ("released", first), back.result
    invariants.at_rest(fleet.hosts, first)
    files = [
        {path.relative_to(host.root): path.read_text() for path in (host.root / "releases" / first).rglob("*/*")
         if path.is_file()}
        for host in fleet.hosts.values()
    ]  # fmt: skip
    assert files[0] == files[1], "the same settings and secrets"
    assert "files" not in json.dumps(back.result["acts"]), "and none of them in a result"


@pytest.mark.promise("H8")
def test_a_host_that_serves_nothing_yet_is_brought_along_too(make: Callable[..., Fleet]) -> None:
    fleet = make("app1", "app2")
    late = fleet.hosts.pop("app2")
    first = fleet.deploy("v1").result["to"]
    fleet.deploy("v2")
    fleet.hosts["app2"] = late
    back = fleet.run("rollback")
    assert (back.outcome, back.result["to"]) == ("released", first), back.result
    invariants.at_rest(fleet.hosts, first)


def test_a_rollback_that_fails_says_so_in_its_own_words(make: Callable[..., Fleet]) -> None:
    fleet = make("app1", "app2")
    first = fleet.deploy("v1").result["to"]
    second = fleet.deploy("v2").result["to"]
    fleet.hosts["app2"].sick = {"v1"}
    failed = fleet.run("rollback")
    assert (failed.outcome, failed.status) == ("not rolled back", 21), failed.result
    said = f"NOT ROLLED BACK to {first}: {second} still serves on app1, app2"
    assert said in failed.text.splitlines()
    fleet.hosts["app2"].sick = set()
    assert fleet.run("rollback").text.startswith(f"ROLLED BACK TO {first} on app1, app2")
