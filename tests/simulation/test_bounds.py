"""A check or a migration that never ends is ended at its bound, and the run with it."""

from __future__ import annotations

import pytest
from delight.host import command

from tests.simulation.fleet import SERVICES, Fleet
from tests.simulation.host import Host

pytestmark = pytest.mark.promise("C10")
MIGRATE = {"command": ["up"], "check": ["pending"], "timeout": "200ms", "check_timeout": "200ms"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch, served: Fleet) -> list[str]:
    """Programs called `never` run in their container until they are killed; the names of those."""
    found = []
    runs = command.run

    def run(argv: list[str], bound_s: float, environment: dict[str, str]) -> command.Ran:
        if argv[-1] != "never":
            return runs(argv, bound_s, environment)
        found.append(argv[argv.index("--name") + 1])
        Host.now.engine.add(found[-1], service="api", slot="once")
        return command.Ran(argv, -9, "begun\n", "waiting\n", bound_s, late=True)

    monkeypatch.setattr(command, "run", run)
    return found


def left(fleet: Fleet) -> set[str]:
    """What runs on any of the hosts, once a run has ended on all."""
    assert all(host.state["run"] is None for host in fleet.hosts.values())
    return {name for host in fleet.hosts.values() for name in host.engine.containers}


def test_a_check_that_never_ends_refuses_the_deploy(served: Fleet, made: list[str]) -> None:
    before = left(served)
    check = {"check": ["never"], "check_timeout": "200ms"}
    served.services = {"api": SERVICES["api"] | check}
    ended = served.deploy("v2")
    assert ended.status == 20
    assert "app1, app2: api check: `never` did not end within 0.2 s" in ended.text
    assert "(services.api.check_timeout); its container was killed and removed" in ended.text
    assert "│ waiting" in ended.text
    assert len(made) == 2
    assert left(served) == before


@pytest.mark.parametrize("which", ["check", "command"])
@pytest.mark.parametrize("kind", ["deploy", "migrate"])
def test_a_migration_that_never_ends_is_ended(
    served: Fleet, made: list[str], which: str, kind: str
) -> None:
    before = left(served)
    served.services = {"api": SERVICES["api"] | {"migrate": MIGRATE | {which: ["never"]}}}
    # Something is pending.
    served.hosts["app1"].once = lambda service, argv: (0, "r1\n")
    ended = served.run(kind, version="v2", migrate="before")
    # A deploy asks while it prepares, where nothing was touched yet.
    early = (kind, which) == ("deploy", "check")
    assert ended.status == (20 if early else 21)
    key = "timeout" if which == "command" else "check_timeout"
    said = f"`never` did not end within 0.2 s (services.api.migrate.{key})"
    assert f"app1: api{' migration' if early else ''}: {said}" in ended.text
    assert len(made) == 1
    assert left(served) == before
