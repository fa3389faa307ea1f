"""The controller dies or is asked to stop: the fleet goes on serving, the next run converges."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.fleet.support.hosts import Fleet, one_switched
from tests.fleet.support.load import Load
from tests.fleet.support.playing import Playing

Services = dict[str, dict[str, Any]]


def slow(services: Services) -> Services:
    """The services with an application that takes its time to start."""
    services["api"]["env"] |= {"START_DELAY_S": "3"}
    return services


def staging(fleet: Fleet, services: Services) -> tuple[str, str, Playing]:
    """(version that serves, version that is deployed, its playbook), while the new slots start."""
    old, [new] = fleet.version(), fleet.next_versions()
    playing = fleet.start("deploy", version=new, services=slow(services))
    fleet.in_phase("app1", "staging")
    return old, new, playing


def killed(fleet: Fleet, playing: Any) -> None:
    """Kill the controller: a run is left open, and what the maps name still serves."""
    playing.kill()
    fleet.quiet()
    assert fleet.broken(at_rest=False) == []
    assert fleet.state("app1")["run"] is not None


@pytest.mark.promise("R7", "T1")
def test_killed_while_staging(pair: Fleet, load: Load, services: Services) -> None:
    old, new, playing = staging(pair, services)
    killed(pair, playing)
    pair.serves(old)
    run = pair.deploy(new).expect("released", 0)
    assert "an earlier run was left open on app1, app2: undoing it" in run.output
    pair.converged(new)


@pytest.mark.promise("R2", "R7")
def test_killed_when_one_host_has_switched(pair: Fleet, load: Load, services: Services) -> None:
    old, [new] = pair.version(), pair.next_versions()
    with one_switched(pair, new, services) as playing:
        playing.kill()
        assert [pair.ask(host)["version"] for host in ("app1", "app2")] == [new, old]
    pair.quiet()
    assert pair.broken(at_rest=False) == []
    run = pair.play("recover").expect("recovered", 0)
    assert "an earlier run was left open" in run.output
    assert pair.broken() == []
    pair.deploy(new).expect("released", 0)
    pair.converged(new)


@pytest.mark.promise("R2", "R7")
def test_the_playbook_alone_is_killed(pair: Fleet, load: Load, services: Services) -> None:
    old, _, playing = staging(pair, services)
    playing.signal(signal.SIGKILL)
    # Its conductor lives on: it puts every host back, and says so.
    run = playing.end()
    assert run.outcome == "rolled back", run.output
    assert "stopped: the playbook was ended" in run.output
    pair.converged(old)


@pytest.mark.promise("R2", "R8")
def test_asked_to_stop_while_staging(pair: Fleet, load: Load, services: Services) -> None:
    old, _, playing = staging(pair, services)
    playing.signal(signal.SIGTERM)
    run = playing.end().expect("rolled back", 21)
    assert "SIGTERM: this run stops" in run.output
    pair.converged(old)
