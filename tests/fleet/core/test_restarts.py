"""Parts of a host restart, and all of it: it serves again by itself, the right release."""

from __future__ import annotations

import pytest

from tests.fleet.support import boot
from tests.fleet.support.hosts import Fleet
from tests.fleet.support.load import Load


@pytest.mark.promise("T11")
def test_the_edge_is_restarted(pair: Fleet) -> None:
    pair.exec("app1", "docker", "restart", "delight-edge")
    boot.back(pair, "app1", pair.version())


@pytest.mark.promise("T11", "T9")
def test_dockerd_is_restarted_under_load(pair: Fleet, load: Load) -> None:
    before = pair.ids()
    pair.exec("app1", "systemctl", "restart", "docker")
    boot.back(pair, "app1", pair.version())
    assert pair.ids() == before
    pair.deploy(pair.version()).expect("unchanged", 0)


@pytest.mark.promise("T11")
def test_a_host_is_rebooted(pair: Fleet) -> None:
    # The slot that is warm now is not started by a boot.
    old, [new] = pair.version(), pair.next_versions()
    pair.deploy(new).expect("released", 0)
    boot.reboot(pair, "app1")
    serving = {
        one["release"] for one in pair.observe()["app1"]["containers"] if one["state"] == "running"
    }
    assert serving == {pair.live()}, f"{old} runs after the boot"
    pair.deploy(new).expect("unchanged", 0)
