"""Provisioning hosts that serve, all of it: nothing is lost, nothing is touched without need."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.fleet.support.fleet import Fleet
from tests.fleet.support.load import Load
from tests.fleet.support.setup import STAMP


@pytest.fixture
def provisioned(pair: Fleet) -> Iterator[Fleet]:
    """The fleet, with its declared settings again afterwards."""
    stamp = STAMP.read_text()
    STAMP.unlink()
    yield pair
    assert pair.play("provision").status == 0
    STAMP.write_text(stamp)


def changes(output: str) -> set[int]:
    """The numbers of changed tasks per host, as the recap has them."""
    return {int(number) for number in re.findall(r"changed=(\d+)", output)}


@pytest.mark.promise("H1")
def test_every_daemon_is_restarted_under_load(provisioned: Fleet, load: Load) -> None:
    containers = provisioned.ids()
    run = provisioned.play("provision", docker_log_max_files=4)
    assert run.status == 0, run.output
    assert provisioned.ids() == containers


@pytest.mark.promise("H1")
def test_a_second_run_changes_nothing(pair: Fleet) -> None:
    containers = pair.ids()
    run = pair.play("provision")
    assert run.status == 0, run.output
    assert changes(run.output) == {0}, run.output
    assert pair.ids() == containers
