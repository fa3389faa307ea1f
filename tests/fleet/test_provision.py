"""Provisioning hosts that serve: nothing is lost, and nothing is touched without need."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.fleet.support.fleet import Fleet
from tests.fleet.support.load import Load


@pytest.fixture
def provisioned(pair: Fleet) -> Iterator[Fleet]:
    """The fleet, with its declared settings again afterwards."""
    yield pair
    assert pair.play("provision").status == 0


def daemon(fleet: Fleet, host: str) -> str:
    """The process id of a host's dockerd."""
    return fleet.exec(host, "systemctl", "show", "--value", "--property=MainPID", "docker").strip()


def changes(output: str) -> set[int]:
    """The numbers of changed tasks per host, as the recap has them."""
    return {int(number) for number in re.findall(r"changed=(\d+)", output)}


def test_daemon_settings_change_under_load(provisioned: Fleet, load: Load) -> None:
    provisioned.deploy("v2").expect("released", 0)
    containers = provisioned.ids()
    daemons = {host: daemon(provisioned, host) for host in provisioned.hosts}
    run = provisioned.play("provision", docker_log_max_files=4)
    assert run.status == 0, run.output
    assert all(daemon(provisioned, host) != pid for host, pid in daemons.items())
    assert provisioned.ids() == containers
    assert set(provisioned.versions().values()) == {"v2"}
    assert load.report.failures == []


def test_a_second_run_changes_nothing(provisioned: Fleet) -> None:
    assert provisioned.play("provision").status == 0
    containers = provisioned.ids()
    run = provisioned.play("provision")
    assert run.status == 0, run.output
    assert changes(run.output) == {0}, run.output
    assert provisioned.ids() == containers


def test_settings_that_dockerd_refuses_leave_the_old_ones(provisioned: Fleet, load: Load) -> None:
    before = provisioned.exec("app1", "cat", "/etc/docker/daemon.json")
    run = provisioned.play("provision", docker_settings={"no-such-setting": 1})
    assert run.status == 2
    assert "no-such-setting" in run.output
    assert provisioned.exec("app1", "cat", "/etc/docker/daemon.json") == before
    assert load.report.failures == []
