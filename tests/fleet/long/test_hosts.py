"""A host loses its power while a release is on its way."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tests.fleet.support import boot
from tests.fleet.support.hosts import Fleet, until
from tests.fleet.support.load import Load


@pytest.mark.promise("T1", "T11", "R7")
def test_power_lost_while_staging_only_what_the_map_names_starts(
    solo: Fleet, services: dict[str, Any]
) -> None:
    old, [new] = solo.version(), solo.next_versions()
    # It never passes the gate, so that it is being staged whenever the power goes.
    services["api"]["health"]["timeout"] = "10m"
    playing = solo.start("deploy", version="never_healthy", services=services)
    until(lambda: len(staged(solo, "running")) == 2, "the new slot is starting")
    subprocess.run(["docker", "kill", "delight-fleet-solo"], check=True, capture_output=True)
    assert playing.end().status == 22  # the host cannot be asked any more
    boot.lab("up")
    boot.back(solo, "solo", old)
    assert staged(solo, "running") == []
    solo.play("recover").expect("recovered", 0)
    assert staged(solo) == []
    solo.deploy(new).expect("released", 0)


def staged(fleet: Fleet, *states: str) -> list[str]:
    """The containers of the version that never gets healthy, in any or one of these states."""
    return [
        one["name"]
        for one in fleet.observe()["solo"]["containers"]
        if one["release"].startswith("never-healthy") and one["state"] in (states or one["state"])
    ]


@pytest.mark.promise("H8")
def test_a_host_leaves_and_comes_back_and_nobody_notices(pair: Fleet) -> None:
    version = pair.version()
    before = pair.ids()["app1"]
    try:
        # A stream lives as long as its host; everything else moves to the other one in time.
        with Load(pair.url, rate=200, streams=0) as load:
            pair.play("retire", "--limit", "app2").expect("retired", 0)
        assert (load.report.failures[:20], load.report.doubts()) == ([], "")
        assert pair.ids() == {"app1": before, "app2": []}
        assert pair.exec("app2", "ls", "/srv/delight/releases") == ""
        images = pair.exec("app2", "docker", "images", "--format", "{{.Repository}}")
        assert "delight-test" not in images
        pair.play("retire", "--limit", "app2").expect("unchanged", 0)
        pair.play("retire", "--limit", "app1").expect("refused", 20)
    finally:
        with Load(pair.url, rate=200, streams=0) as load:
            pair.deploy(version).expect("released", 0)
            pair.converged(version)
        assert (load.report.failures[:20], load.report.doubts()) == ([], "")


@pytest.mark.promise("W1")
def test_a_deploy_user_gets_by_with_a_sudo_rule_for_the_agent_alone(solo: Fleet) -> None:
    agent = "/usr/local/lib/delight/agent"
    rule = f"deployer ALL=(root) NOPASSWD: {agent}"
    script = f"""
        id deployer > /dev/null 2>&1 || useradd --create-home --shell /bin/sh deployer
        install -d -m 700 -o deployer /home/deployer/.ssh
        install -m 600 -o deployer /home/debian/.ssh/authorized_keys /home/deployer/.ssh/
        echo '{rule}' > /etc/sudoers.d/deployer
    """
    solo.exec("solo", "sh", "-e", "-c", script)
    try:
        [new] = solo.next_versions()
        run = solo.deploy(new, ansible_user="deployer", release_agent=agent)
        run.expect("released", 0)
        solo.converged(new)
        refused = solo.deploy(solo.version(), ansible_user="deployer")
        assert (refused.outcome, "a password is required" in refused.output) == ("refused", True)
    finally:
        solo.exec("solo", "rm", "/etc/sudoers.d/deployer")
