"""Two environments on one host: the second is refused by name, or has all of its own beside the first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fleet.support.hosts import Fleet, until
from tests.fleet.support.playing import ROOT
from tests.support.pages import blocks

pytestmark = pytest.mark.promise("C11")
PAGE = ROOT / "docs/deployment.md"
PORT = 8081
ASK = "import urllib.request as u; print(u.urlopen('http://api.internal/x').read().decode())"
SECOND: dict[str, Any] = {
    "env_name": "second",
    "release_root": "/srv/second",
    "app_subnet": "10.90.0.0/16",
    "edge_binds": [f"*:{PORT}"],
    "edge_ready_port": 8414,
}


@pytest.fixture
def guest(solo: Fleet) -> Iterator[Fleet]:
    """A host whose second environment leaves in the end with all that it had, as the page has it."""
    yield solo
    [leave] = [one.body for one in blocks(PAGE) if "shop-sweep.timer" in one.body]
    solo.exec("solo", "sh", "-c", leave.replace("shop", "second"), check=False)
    left = solo.exec("solo", "ls", "/srv", "/etc/sysctl.d", "/etc/systemd/system", "/sys/class/net")
    left += solo.exec("solo", "docker", "ps", "--all", "--format", "{{.Names}}")
    assert "second" not in left


def version_of_second(fleet: Fleet) -> str:
    """What the second environment answers."""
    url = f"http://127.0.0.1:{PORT}/"
    said = fleet.exec("solo", "curl", "-s", "-m", "5", url, check=False)
    return str(json.loads(said)["version"]) if said.startswith("{") else said


def test_the_second_is_refused_with_both_names(solo: Fleet) -> None:
    before = solo.ids(), solo.state("solo")
    for playbook, status in (("deploy", 20), ("provision", 2)):
        refused = solo.play(playbook, env_name="second", version=solo.next_versions()[0])
        assert refused.status == status, refused.output
        assert (
            "/srv/delight belongs to environment fleet, and this is second" in refused.output
        ), refused.output
        assert "Prepare every host" not in refused.output
    assert (solo.ids(), solo.state("solo")) == before


def test_each_has_all_of_its_own(guest: Fleet) -> None:
    tags = ("--tags", "app_host,edge")
    taken = guest.play("provision", *tags, **{**SECOND, "edge_binds": ["*:80"]})
    assert taken.status == 2
    assert "container delight-edge)" in " ".join(taken.output.split())

    assert (done := guest.play("provision", *tags, **SECOND)).status == 0, done.output
    first, second = guest.version(), guest.next_versions()[0]
    before = guest.ids()
    guest.play("deploy", version=first, **SECOND).expect("released", 0)
    until(lambda: version_of_second(guest) == first, "the second answers")
    assert guest.ids() == before
    assert guest.broken() == []

    theirs = guest.ids("second")
    assert theirs["solo"]
    guest.deploy(second).expect("released", 0)
    guest.serves(second)
    assert guest.ids("second") == theirs
    assert version_of_second(guest) == first

    # Each asks its own services by name, at the same port of another gateway.
    for app, version in (("delight", second), ("second", first)):
        slot = json.loads(guest.exec("solo", "cat", f"/srv/{app}/state.json"))["slots"]["api"][
            "live"
        ]
        said = guest.exec("solo", "docker", "exec", f"{app}-api-{slot}-1", "python3", "-c", ASK)
        assert json.loads(said)["version"] == version
