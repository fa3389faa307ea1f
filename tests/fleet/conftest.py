"""The stories' hosts: made, provisioned and filled once a session; every story begins at v1."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import yaml

from lab import paths
from tests.fleet.support import images, setup
from tests.fleet.support.fleet import INVENTORY, ROOT, Fleet, until
from tests.fleet.support.load import Load

BALANCER = "http://10.78.0.13"
SOLO = "http://10.78.0.14"


@pytest.fixture(scope="session", autouse=True)
def hosts() -> None:
    """Real hosts with a registry that holds every version of the test application."""
    os.environ["ANSIBLE_VAULT_IDENTITY_LIST"] = "fleet@bin/vault-client"
    os.environ["DOCKER_CONFIG"] = str(paths.DOCKER_CONFIG)
    setup.provision(INVENTORY, ROOT / "tests/fleet/solo")
    images.push("10.78.0.13:5000", setup.vault(INVENTORY)["registry_password"])


@pytest.fixture(scope="session")
def _pair() -> Fleet:
    return Fleet(INVENTORY, {"app1": "10.78.0.11", "app2": "10.78.0.12"}, BALANCER)


@pytest.fixture(scope="session")
def _solo() -> Fleet:
    return Fleet(ROOT / "tests/fleet/solo", {"solo": "10.78.0.14"}, SOLO)


def at_v1(fleet: Fleet) -> Fleet:
    """The fleet on v1, with nothing left open by whatever ran before."""
    run = fleet.deploy("v1")
    assert run.status == 0, run.output
    until(lambda: set(fleet.versions().values()) == {"v1"}, "v1 answers on every host")
    return fleet


@pytest.fixture
def pair(_pair: Fleet) -> Fleet:
    """Two hosts behind a balancer, both on v1."""
    return at_v1(_pair)


@pytest.fixture
def solo(_solo: Fleet) -> Fleet:
    """One host, on v1."""
    return at_v1(_solo)


@pytest.fixture
def load(pair: Fleet) -> Iterator[Load]:
    """At least 200 requests a second of every kind, against the URL that users see."""
    with Load(pair.url, rate=200) as running:
        yield running


@pytest.fixture
def solo_load(solo: Fleet) -> Iterator[Load]:
    """The same against the fleet of one host."""
    with Load(solo.url, rate=200) as running:
        yield running


@pytest.fixture
def services() -> dict[str, object]:
    """The services of the stories, to be changed by a story."""
    file = INVENTORY / "group_vars/fleet/main.yml"
    found: dict[str, object] = yaml.safe_load(file.read_text())["services"]
    return found
