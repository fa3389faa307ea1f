"""The settings of dockerd change on hosts that serve."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet.support.hosts import Fleet
from tests.fleet.support.load import Load
from tests.fleet.support.playing import Run
from tests.fleet.support.setup import unprovisioned


def provision(fleet: Fleet, **settings: object) -> Run:
    """Provision the application hosts' Docker alone."""
    return fleet.play("provision", "--tags", "docker", "--limit", "app", **settings)


@pytest.fixture
def provisioned(pair: Fleet) -> Iterator[Fleet]:
    """The fleet, with its declared settings again afterwards."""
    with unprovisioned():
        yield pair
        assert provision(pair).status == 0


def daemon(fleet: Fleet, host: str) -> str:
    """The process id of a host's dockerd."""
    return fleet.exec(host, "systemctl", "show", "--value", "--property=MainPID", "docker").strip()


@pytest.mark.promise("H1", "T9", "M4")
def test_daemon_settings_change_under_load(provisioned: Fleet, load: Load) -> None:
    containers = provisioned.ids()
    daemons = {host: daemon(provisioned, host) for host in provisioned.hosts}
    run = provision(provisioned, docker_log_max_files=4)
    assert run.status == 0, run.output
    assert all(daemon(provisioned, host) != pid for host, pid in daemons.items())
    assert provisioned.ids() == containers

    before = provisioned.exec("app1", "cat", "/etc/docker/daemon.json")
    run = provision(provisioned, docker_settings={"no-such-setting": 1})
    assert run.status == 2
    assert "no-such-setting" in run.output
    assert provisioned.exec("app1", "cat", "/etc/docker/daemon.json") == before
    assert provisioned.ids() == containers
