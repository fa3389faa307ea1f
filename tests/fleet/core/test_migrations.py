"""Migrations are a step of their own: refused while they wait, run once, and harmless when broken."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.fleet.support import setup
from tests.fleet.support.hosts import Fleet
from tests.fleet.support.load import Load


@pytest.fixture
def journal() -> str:
    """The name of the list of what a story applied; no other story sees it."""
    return uuid.uuid4().hex


@pytest.fixture
def migrating(services: dict[str, Any], journal: str) -> dict[str, Any]:
    """The services of the stories, with migrations."""
    api = services["api"]
    script = ["python3", "-I", "/app/migrate.py"]
    api["migrate"] = {"check": [*script, "pending"], "command": [*script, "apply"]}
    api["env"] |= {"MIGRATIONS": journal}
    api["secrets"] += ["REDIS_URL"]
    return services


@pytest.fixture
def applied(pair: Fleet, journal: str) -> Callable[[], list[str]]:
    """Asks the server for what was applied, in its order."""
    password = setup.vault()["redis_password"]

    def ask() -> list[str]:
        words = ["docker", "exec", "-i", "delight-data-redis-1"]
        words += ["redis-cli", "-h", "10.78.0.13"]
        text = f"AUTH {password}\nLRANGE {journal} 0 -1\n"
        return pair.exec("data1", *words, text=text).split()[1:]

    return ask


@pytest.mark.promise("M1", "M2", "S3")
def test_pending_ones_are_refused_and_a_broken_one_changes_nothing(
    pair: Fleet, load: Load, migrating: dict[str, Any], applied: Callable[[], list[str]]
) -> None:
    old, [new], before = pair.version(), pair.next_versions(), pair.ids()
    run = pair.deploy(new, services=migrating).expect("refused", 20)
    assert f"revision-{new}" in run.output
    assert "run migrate.yml, or deploy with -e migrate=before" in run.output
    run = pair.deploy("broken_migration", services=migrating, migrate="before")
    run.expect("rolled back", 21)
    assert "cannot apply revision-broken_migration with ••••••" in run.output
    assert setup.vault()["redis_password"] not in run.output
    assert applied() == []
    assert pair.ids() == before
    pair.converged(old)


@pytest.mark.promise("M1", "M2")
def test_migrated_once_then_deployed_then_both_in_one_run(
    pair: Fleet, load: Load, migrating: dict[str, Any], applied: Callable[[], list[str]]
) -> None:
    old, (new, newer), before = pair.version(), pair.next_versions(2), pair.ids()
    for _ in range(2):
        pair.play("migrate", version=new, services=migrating).expect("migrated", 0)
        assert applied() == [f"revision-{new}"]
    assert pair.ids() == before
    pair.converged(old)
    pair.deploy(new, services=migrating).expect("released", 0)
    pair.converged(new)
    pair.deploy(newer, services=migrating, migrate="before").expect("released", 0)
    pair.converged(newer)
    assert applied() == [f"revision-{new}", f"revision-{newer}"]
