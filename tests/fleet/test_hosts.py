"""Parts of a host restart: the right slots are live again without any command."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

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


def reboot(host: str) -> None:
    """Restart a host, whatever runs on it."""
    lab = [sys.executable, "-m", "lab", "reboot", str(INVENTORY), host]
    subprocess.run(lab, cwd=ROOT, check=True)


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
    reboot("app1")
    back(pair, "app1", "v2")
    assert {r.split("-")[0] for r in pair.containers("app1").values()} == {"v2"}
    pair.deploy("v2").expect("unchanged", 0)


def test_power_lost_while_staging_only_what_the_map_names_starts(
    solo: Fleet, services: dict[str, Any]
) -> None:
    # It never passes the gate, so that it is being staged whenever the power goes.
    services["api"]["health"]["timeout"] = "10m"
    playing = solo.start("deploy", version="never_healthy", services=services)
    until(lambda: len(staged(solo)) == 2, "the new slot is starting")
    subprocess.run(["docker", "kill", "delight-fleet-solo"], check=True, capture_output=True)
    assert playing.end().status == 22  # the host cannot be asked any more
    subprocess.run([sys.executable, "-m", "lab", "up", str(INVENTORY)], cwd=ROOT, check=True)
    back(solo, "solo", "v1")
    assert {release.split("-")[0] for release in running(solo)} == {"v1"}
    solo.play("recover").expect("recovered", 0)
    assert staged(solo) == []
    solo.deploy("v2").expect("released", 0)


def staged(fleet: Fleet) -> list[str]:
    """The containers of the version that never gets healthy."""
    return [n for n, r in fleet.containers("solo").items() if r.startswith("never-healthy")]


def running(fleet: Fleet) -> set[str]:
    """The releases that a host runs; what was made and never started does not count."""
    form = '{{.Label "delight.release"}}'
    return set(
        fleet.exec(
            "solo", "docker", "ps", "--filter", "label=delight.slot", "--format", form
        ).split()
    )


def test_killed_while_settling_then_recovered_then_rebooted(pair: Fleet) -> None:
    playing = pair.start("deploy", version="v2")
    playing.until("TASK [rollout : Settle")
    playing.signal(signal.SIGKILL)
    playing.end()
    pair.play("recover").expect("recovered", 0)
    (version,) = set(pair.versions().values())
    reboot("app1")
    back(pair, "app1", version)
    pair.converged(version)
