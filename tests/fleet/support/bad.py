"""Versions that must not be released, what is told of each, and that they are put back."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.fleet.support.hosts import Fleet

Services = dict[str, dict[str, Any]]


class Bad(NamedTuple):
    """A version of the test application, the gate's event and its reason."""

    version: str
    event: str
    reason: str


NEVER_HEALTHY = Bad("never_healthy", "timeout", "no 3 good answers in a row within 4 s")
EXITS_AT_ONCE = Bad("exits_at_once", "exited", "its container exited with status 1")
HEALTHY_ONCE = Bad("healthy_once_then_crashes", "exited", "its container exited")
WRONG_VERSION = Bad("wrong_version", "wrong_release", "it answers as release 'some-other-release'")


def hurried(services: Services) -> Services:
    """The services with a gate that does not wait long for what never comes."""
    services["api"]["health"] |= {"timeout": "4s"}
    return services


def put_back(fleet: Fleet, one: Bad, services: Services) -> None:
    """Deploy a bad version: every host names it, and the old version serves."""
    old = fleet.version()
    run = fleet.deploy(one.version, services=services).expect("rolled back", 21)
    assert any(one.reason in line for line in run.output.splitlines()[-len(fleet.hosts) :])
    for host in fleet.hosts:
        found = run.result["sick"][host]
        assert {what["event"] for what in found} == {one.event}
        assert all(what["logs"] for what in found)
    fleet.converged(old)
