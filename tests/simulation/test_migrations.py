"""Pending migrations are found while the release is prepared, on one host; the phase runs them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulation.fleet import SERVICES, Ended, Fleet

pytestmark = pytest.mark.promise("M1", "M2")
MIGRATED = {"api": {**SERVICES["api"], "migrate": {"command": ["upgrade"], "check": ["pending"]}}}


@pytest.fixture
def database(served: Fleet) -> list[str]:
    """What is pending; `upgrade` leaves nothing. The commands that ran stand on each host as `ran`."""
    pending = ["r1", "r2"]
    served.services = MIGRATED
    for host in served.hosts.values():
        host.ran = []  # type: ignore[attr-defined]

        def once(service: str, argv: list[str], ran: list[Any] = host.ran) -> tuple[int, str]:  # type: ignore[attr-defined]
            ran.append(argv)
            said = "\n".join(pending)
            if argv == ["upgrade"]:
                pending.clear()
            return 0, said

        host.once = once
    return pending


def ran(fleet: Fleet) -> list[list[list[str]]]:
    """The commands of each host."""
    return [host.ran for host in fleet.hosts.values()]  # type: ignore[attr-defined]


def test_where_nothing_is_pending_no_phase_is_needed(served: Fleet, database: list[str]) -> None:
    database.clear()
    ended = served.deploy("v2")
    assert ended.outcome == "released"
    assert ran(served) == [[["pending"]], []], "one host is asked, once"
    assert "migrate" not in ended.acts
    assert "no migration is pending" in ended.acts["prepare"]["app1"]["message"]
    assert "no migration" not in ended.acts["prepare"]["app2"]["message"]


def test_what_is_pending_refuses_a_deploy(served: Fleet, database: list[str]) -> None:
    ended = served.deploy("v2")
    assert ended.outcome == "refused" and "r1" in ended.text and "r2" in ended.text


@pytest.mark.promise("S3")
def test_what_is_pending_is_shown_without_secrets(served: Fleet, database: list[str]) -> None:
    database.append("r3 with hunter22")
    refused, ran = served.deploy("v2"), served.run("migrate", version="v2")
    assert "r3 with ••••••" in refused.text
    assert ran.acts["migrate"]["app1"]["applied"][-1] == "r3 with ••••••"
    assert "hunter22" not in str((refused, ran))


def test_what_is_pending_is_run_once(served: Fleet, database: list[str]) -> None:
    ended = served.deploy("v2", migrate="before")
    assert ended.outcome == "released"
    assert [argv for host in ran(served) for argv in host].count(["upgrade"]) == 1
    assert database == []


@pytest.mark.parametrize("kind", ["migrate", "skipped"])
def test_without_a_check_of_the_release_the_phase_asks(
    served: Fleet, database: list[str], kind: str
) -> None:
    database.clear()
    ended: Ended = (
        served.run("migrate", version="v2")
        if kind == "migrate"
        else served.deploy("v2", skip_gate=True)
    )
    assert ended.status == 0
    assert ended.acts["prepare"]["app1"]["pending"] is None
    assert ended.acts["migrate"]["app1"]["message"] == "no migration was pending"
