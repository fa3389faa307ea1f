"""The stories' hosts: made, provisioned and filled once; a story takes what serves as it finds it.

A story begins at rest, on some version with the declared services, and must end at rest: what is
broken then fails it. No request of a `load` may fail while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from tests.fleet.support import setup
from tests.fleet.support.again import (  # noqa: F401 these are hooks
    pytest_runtest_protocol,
    pytest_sessionfinish,
    pytest_terminal_summary,
)
from tests.fleet.support.hosts import INVENTORY, SOLO, Fleet
from tests.fleet.support.load import Load, unharmed

BALANCER = "http://10.78.0.13"
SOLO_EDGE = "http://10.78.0.14"


@pytest.fixture(scope="session", autouse=True)
def hosts() -> None:
    """Real hosts with a registry that holds every version of the test application."""
    setup.ensure()


@pytest.fixture(scope="session")
def _pair() -> Fleet:
    return Fleet(INVENTORY, {"app1": "10.78.0.11", "app2": "10.78.0.12"}, BALANCER)


@pytest.fixture(scope="session")
def _solo() -> Fleet:
    return Fleet(SOLO, {"solo": "10.78.0.14"}, SOLO_EDGE)


def story(fleet: Fleet) -> Iterator[Fleet]:
    """The fleet at rest before and after a story."""
    fleet.reset()
    yield fleet
    fleet.quiet()
    assert fleet.broken() == []


@pytest.fixture
def pair(_pair: Fleet) -> Iterator[Fleet]:
    """Two hosts behind a balancer."""
    yield from story(_pair)


@pytest.fixture
def solo(_solo: Fleet) -> Iterator[Fleet]:
    """One host."""
    yield from story(_solo)


@pytest.fixture
def load(pair: Fleet) -> Iterator[Load]:
    """A load against the URL that users see; no request of it fails."""
    with unharmed(pair.url) as running:
        yield running


@pytest.fixture
def solo_load(solo: Fleet) -> Iterator[Load]:
    """The same against the fleet of one host."""
    with unharmed(solo.url) as running:
        yield running


@pytest.fixture
def services() -> dict[str, dict[str, object]]:
    """The services of the stories, to be changed by a story."""
    file = INVENTORY / "group_vars/fleet/main.yml"
    found: dict[str, dict[str, object]] = yaml.safe_load(file.read_text())["services"]
    return found
