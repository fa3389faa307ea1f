"""The controller dies in every phase: the fleet goes on serving, and the next run converges."""

from __future__ import annotations

import signal

import pytest

from tests.fleet.support.fleet import Fleet
from tests.fleet.support.load import Load

PHASES = {
    "lock": "TASK [rollout : Lock the first host",
    "prepare": "TASK [rollout : Prepare every host",
    "stage": "TASK [rollout : Stage the new slots",
    "switch": "TASK [rollout : Switch the traffic",
    "settle": "TASK [rollout : Settle",
}


def quiet(fleet: Fleet) -> None:
    """Wait until no act of the dead controller works on any host any more."""
    for host in fleet.hosts:
        fleet.exec(host, "flock", "/srv/delight/lock", "true")


@pytest.mark.parametrize("phase", PHASES)
def test_killed(pair: Fleet, load: Load, phase: str) -> None:
    playing = pair.start("deploy", version="v2")
    playing.until(PHASES[phase])
    playing.signal(signal.SIGKILL)
    playing.end()
    quiet(pair)
    assert all(version in ("v1", "v2") for version in pair.versions().values())
    run = pair.deploy("v2")
    assert run.outcome in ("released", "unchanged"), run.output
    pair.converged("v2")
    assert load.report.failures == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("phase", PHASES)
def test_asked_to_stop(pair: Fleet, load: Load, phase: str, number: signal.Signals) -> None:
    playing = pair.start("deploy", version="v2")
    playing.until(PHASES[phase])
    playing.signal(number)
    run = playing.end()
    # Once the fleet had decided that the release stands, it is finished; before, it is put back.
    decided = run.output.find("TASK [rollout : Decide whether the release stands")
    if -1 < decided < run.output.index(f"{number.name}: this run stops"):
        run.expect("released", 0)
        pair.converged("v2")
    else:
        run.expect("rolled back", 21)
        pair.converged("v1")
    assert load.report.failures == []


def test_a_second_signal_ends_at_once_and_the_next_run_mends(pair: Fleet, load: Load) -> None:
    playing = pair.start("deploy", version="slow_start")
    playing.until(PHASES["stage"])
    playing.signal(signal.SIGINT)
    playing.until("stops at its next decision")
    playing.signal(signal.SIGINT)
    run = playing.end()
    assert run.status not in (0, 21)
    assert "the next run (or recover.yml) ends what is left" in run.output
    quiet(pair)
    recovered = pair.play("recover").expect("recovered", 0)
    assert "an earlier run was left open" in recovered.output
    pair.converged("v1")
    assert load.report.failures == []


def test_two_deploys_at_once_one_waits_or_is_refused(pair: Fleet, load: Load) -> None:
    first = pair.start("deploy", version="slow_start")
    first.until(PHASES["stage"])
    # It queues behind the act that holds the lock, and then finds the first run open or ended.
    second = pair.deploy("v2")
    first.end().expect("released", 0)
    assert second.outcome in ("refused", "released"), second.output
    if second.outcome == "refused":
        assert "is running; wait for it" in second.output
    pair.converged("v2" if second.outcome == "released" else "slow_start")
    assert load.report.failures == []
