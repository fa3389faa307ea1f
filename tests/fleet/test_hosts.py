"""Parts of a host restart: the right slots are live again without any command."""

from __future__ import annotations

import subprocess
import sys

from tests.fleet.support.fleet import INVENTORY, ROOT, Fleet, until
from tests.fleet.support.load import Load


def back(fleet: Fleet, host: str, version: str) -> None:
    """Wait until a host serves again, and check that it is the right release in both maps."""
    until(lambda: fleet.ask(host).get("version") == version, f"{host} serves {version} again")
    until(lambda: ready(fleet, host), f"{host} is in the pool again")


def ready(fleet: Fleet, host: str) -> bool:
    """What the host's readiness port answers."""
    url = f"http://{fleet.hosts[host]}:8404/ready"
    return "200" in fleet.exec(
        host, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url, check=False
    )


def test_the_edge_is_restarted(pair: Fleet) -> None:
    pair.deploy("v2").expect("released", 0)
    pair.exec("app1", "docker", "restart", "delight-edge")
    back(pair, "app1", "v2")
    pair.deploy("v2").expect("unchanged", 0)


def test_dockerd_is_restarted_under_load(pair: Fleet, load: Load) -> None:
    pair.deploy("v2").expect("released", 0)
    pair.exec("app1", "systemctl", "restart", "docker")
    back(pair, "app1", "v2")
    pair.deploy("v2").expect("unchanged", 0)
    assert load.report.failures == []


def test_a_host_is_rebooted(pair: Fleet) -> None:
    pair.deploy("v2").expect("released", 0)
    lab = [sys.executable, "-m", "lab", "reboot", str(INVENTORY), "app1"]
    subprocess.run(lab, cwd=ROOT, check=True)
    back(pair, "app1", "v2")
    assert {r.split("-")[0] for r in pair.containers("app1").values()} == {"v2"}
    pair.deploy("v2").expect("unchanged", 0)


def test_power_lost_while_staging_only_what_the_map_names_starts(solo: Fleet) -> None:
    playing = solo.start("deploy", version="slow_start")
    playing.until("TASK [rollout : Stage")
    until(lambda: len(solo.containers("solo")) == 4, "the new slot is starting")
    subprocess.run(["docker", "kill", "delight-fleet-solo"], check=True, capture_output=True)
    assert playing.end().status == 22  # the host cannot be asked any more
    subprocess.run([sys.executable, "-m", "lab", "up", str(INVENTORY)], cwd=ROOT, check=True)
    back(solo, "solo", "v1")
    assert {r.split("-")[0] for r in solo.containers("solo").values()} == {"v1"}
    solo.play("recover").expect("recovered", 0)
    solo.deploy("v2").expect("released", 0)
