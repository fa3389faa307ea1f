"""The controller dies, is asked to stop, or is not alone, in every phase that can be waited for."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from tests.fleet.support import boot
from tests.fleet.support.hosts import Fleet, held_lock, one_switched
from tests.fleet.support.load import Load
from tests.fleet.support.playing import Playing

Services = dict[str, dict[str, Any]]


@pytest.fixture
def slow(services: Services) -> Services:
    """The services with an application that takes its time to start and to end."""
    services["api"]["env"] |= {"START_DELAY_S": "3"}
    services["api"] |= {"drain": "4s", "stop_grace": "6s"}
    return services


# Deploys that stand at a known place: each starts one and yields it when its hosts have recorded that
# they are there.
@contextmanager
def locking(fleet: Fleet, version: str, services: Services) -> Iterator[Playing]:
    """The first host is locked, the second one waits for its lock."""
    with held_lock(fleet, "app2"):
        playing = fleet.start("deploy", version=version, services=services)
        fleet.in_phase("app1", "locked")
        yield playing


@contextmanager
def staging(fleet: Fleet, version: str, services: Services) -> Iterator[Playing]:
    """The new slots are starting."""
    playing = fleet.start("deploy", version=version, services=services)
    fleet.in_phase("app1", "staging")
    yield playing


@contextmanager
def settling(fleet: Fleet, version: str, services: Services) -> Iterator[Playing]:
    """The first host waits for a stream that the old slot still serves."""
    fleet.deploy(fleet.version(), services=services).expect("released", 0)
    with Load(f"http://{fleet.hosts['app1']}", rate=1, slow_rate=0, streams=1) as load:
        load.until(lambda report: any(one.lines for one in report.streams), 20)
        playing = fleet.start("deploy", version=version, services=services)
        fleet.in_phase("app1", "settling")
        yield playing


Place = Callable[[Fleet, str, Services], AbstractContextManager[Playing]]
PLACES: list[Place] = [locking, staging, one_switched, settling]


@pytest.mark.promise("R7", "R2")
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_killed(pair: Fleet, load: Load, slow: Services, place: Place) -> None:
    [new] = pair.next_versions()
    with place(pair, new, slow) as playing:
        playing.kill()
        assert any(pair.state(host)["run"] for host in pair.hosts)
    pair.quiet()
    assert pair.broken(at_rest=False) == []
    # The act that a host was in ends by itself, and may be the last one that was missing.
    run = pair.deploy(new, services=slow)
    assert run.outcome in ("released", "unchanged"), run.output
    pair.converged(new)


@pytest.mark.promise("R2", "R8")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_asked_to_stop(
    pair: Fleet, load: Load, slow: Services, place: Place, number: signal.Signals
) -> None:
    old, [new] = pair.version(), pair.next_versions()
    with place(pair, new, slow) as playing:
        playing.signal(number)
        playing.until(f"{number.name}: this run stops")
    run = playing.end()
    # Once the fleet settles, the release stands; before, every host is put back.
    if place is settling:
        run.expect("released", 0)
        pair.converged(new)
    else:
        run.expect("rolled back", 21)
        pair.converged(old)


@pytest.mark.promise("R7")
def test_a_second_signal_ends_at_once_and_the_next_run_mends(
    pair: Fleet, load: Load, slow: Services
) -> None:
    old, [new] = pair.version(), pair.next_versions()
    playing = pair.start("deploy", version=new, services=slow)
    pair.in_phase("app1", "staging")
    playing.signal(signal.SIGINT)
    playing.until("stops at its next step")
    playing.signal(signal.SIGINT)
    run = playing.end()
    assert run.status not in (0, 21)
    assert "the next run (or recover.yml) ends what is left" in run.output
    pair.quiet()
    recovered = pair.play("recover").expect("recovered", 0)
    assert "an earlier run was left open" in recovered.output
    pair.converged(old)


@pytest.mark.promise("C9", "C3")
def test_of_two_deploys_at_once_one_goes_on_and_one_is_refused(
    pair: Fleet, load: Load, slow: Services
) -> None:
    new, newer = pair.next_versions(2)
    first = pair.start("deploy", version=new, services=slow)
    pair.in_phase("app1", "staging")
    second = pair.deploy(newer).expect("refused", 20)
    assert "is running; wait for it" in second.output
    first.end().expect("released", 0)
    pair.converged(new)


@pytest.mark.promise("R7", "T11")
def test_killed_while_settling_then_recovered_then_rebooted(pair: Fleet, slow: Services) -> None:
    with settling(pair, pair.next_versions()[0], slow) as playing:
        playing.kill()
    pair.quiet()
    pair.play("recover").expect("recovered", 0)
    version = pair.version()
    pair.converged(version)
    boot.reboot(pair, "app1")
    pair.converged(version)
