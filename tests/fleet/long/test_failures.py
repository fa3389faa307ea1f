"""What goes wrong beside the release itself, and variations of bad releases."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fleet.support import bad
from tests.fleet.support.hosts import Fleet, one_switched, until
from tests.fleet.support.load import Load

Services = dict[str, dict[str, Any]]


@pytest.mark.promise("R1", "G2", "G3")
@pytest.mark.parametrize("one", [bad.EXITS_AT_ONCE, bad.WRONG_VERSION], ids=lambda one: one.version)
def test_on_two_hosts(pair: Fleet, load: Load, services: Services, one: bad.Bad) -> None:
    bad.put_back(pair, one, services)


@pytest.mark.promise("T5", "G1", "G7")
@pytest.mark.parametrize("one", [bad.NEVER_HEALTHY, bad.HEALTHY_ONCE], ids=lambda one: one.version)
def test_on_one_host(solo: Fleet, solo_load: Load, services: Services, one: bad.Bad) -> None:
    bad.put_back(solo, one, bad.hurried(services))


@pytest.mark.promise("G6")
def test_in_an_emergency_the_gate_is_skipped_and_the_journal_says_so(
    solo: Fleet, services: Services
) -> None:
    good, [new] = solo.version(), solo.next_versions()
    services["api"]["check"] = ["false"]
    run = solo.deploy("never_healthy", services=services, skip_gate=True).expect("released", 0)
    assert "the gate was skipped" in run.output
    solo.serves("never_healthy")
    lines = solo.exec("solo", "tail", "-n", "3", "/srv/delight/journal.jsonl").splitlines()
    assert all(json.loads(line)["skip_gate"] is True for line in lines)
    # What never passed a gate is no target: back from the next one the way leads past it.
    solo.deploy(new).expect("released", 0)
    solo.rollback().expect("released", 0)
    solo.serves(good)


@pytest.mark.promise("G6")
def test_without_a_gate_a_container_still_has_to_run(solo: Fleet, solo_load: Load) -> None:
    old = solo.version()
    run = solo.deploy("exits_at_once", "-e", "skip_gate=true").expect("rolled back", 21)
    assert {one["event"] for one in run.result["sick"]["solo"]} == {"exited"}
    solo.converged(old)


@pytest.mark.promise("R2", "R8")
def test_ssh_is_lost_on_a_host_after_the_other_switched(
    pair: Fleet, load: Load, services: Services
) -> None:
    old, [new] = pair.version(), pair.next_versions()
    with one_switched(pair, new, services) as playing:
        assert pair.ask("app1").get("version") == new
        pair.exec("app2", "systemctl", "stop", "ssh.socket", "ssh.service", check=False)
        pair.exec("app2", "pkill", "-9", "-f", "sshd", check=False)
        until(lambda: pair.ask("app1").get("version") == old, "the first host is put back")
    try:
        run = playing.end().expect("needs attention", 22)
        assert "cannot be reached" in run.result["reasons"]["app2"], run.output
        assert load.report.failures == []
        refused = pair.deploy(new)
        assert refused.outcome == "refused", refused.output
        assert "app2" in refused.output
    finally:
        pair.exec("app2", "systemctl", "start", "ssh")
    pair.play("recover").expect("recovered", 0)
    pair.converged(old)


@pytest.mark.promise("T9")
def test_a_frozen_application_costs_waiting_and_no_error(solo: Fleet) -> None:
    with Load(solo.url, rate=50, slow_rate=0) as load:
        signal_replicas(solo, "STOP")
        # Frozen for as long as it takes the edge to call both replicas down.
        until(lambda: not healthy(solo), "the edge has seen that both are frozen")
        signal_replicas(solo, "CONT")
        sent = load.report.count()
        load.until(lambda report: report.count() > sent + 50, 60)
    assert load.report.failures == []


def healthy(fleet: Fleet) -> bool:
    """Whether the edge finds any replica well."""
    found = fleet.observe()["solo"]["checks"]
    return any("UP" in said for backend in found.values() for said in backend.values())


def signal_replicas(fleet: Fleet, name: str) -> None:
    """Signal the application itself, below each container's init, and behind Docker's back.

    For Docker a container that was sent any signal is stopped by hand: no boot starts it again.
    """
    script = "docker inspect -f '{{.State.Pid}}' $(docker ps -q -f label=delight.slot) |"
    fleet.exec("solo", "sh", "-c", f"{script} xargs -n 1 pkill -{name} -P")
