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
