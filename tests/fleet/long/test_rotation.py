"""A secret gets another value: only what uses it is renewed, both are valid meanwhile, and the old one can be ended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from delight.release import secret_digest

from tests.fleet.support import hygiene, setup
from tests.fleet.support.hosts import Fleet
from tests.fleet.support.load import Load
from tests.fleet.support.setup import unprovisioned

OLD, NEW = "planted-old-value", "planted-new-value"
# containerd's database: what is removed from it stays in its file until something is written there.
DATABASE = "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"
BACKING = ("--tags", "backing")
Services = dict[str, Any]


@pytest.fixture
def using(services: Services) -> Services:
    """The services of the stories: one with secrets, in a file and as a variable, and one without."""
    api = services["api"]
    other = {**api, "routes": [{"path": "/other"}], "secrets": [], "replicas": 1}
    secrets = ["DATABASE_URL", {"name": "TOKEN", "deliver": "env"}]
    return {"api": {**api, "secrets": secrets, "warm": "1h"}, "other": other}


def given(word: str) -> dict[str, str]:
    """The secrets of the services; a slot that is stopped has none of the vault's."""
    return {"DATABASE_URL": f"{word}-url", "TOKEN": f"{word}-token"}


def found(fleet: Fleet, word: str) -> dict[str, set[str]]:
    """{host: where the word is}: in files, in what Docker tells, in environments of processes."""
    words = {"word": hygiene.forms(word)}
    there = {
        host: {where for place in hygiene.on_host(host, words).values() for where in place}
        for host in fleet.hosts
    }
    return {host: where - {DATABASE} for host, where in there.items() if where - {DATABASE}}


@pytest.mark.promise("S6", "S3", "T9")
def test_a_compromised_value_leaves_every_host_and_a_rollback_takes_the_current_one(
    pair: Fleet, load: Load, using: Services
) -> None:
    first, second = pair.next_versions(2)
    for version in (first, second):
        pair.deploy(version, services=using, secrets=given(OLD)).expect("released", 0)
    assert set(found(pair, OLD)) == set(pair.hosts), "where it belongs"
    untouched = {name for name in pair.containers("app1") if "other" in name}

    key = setup.vault()["release_hmac_key"]
    digests = {name: [secret_digest(key, name, text)] for name, text in given(OLD).items()}
    after: dict[str, Any] = {
        "services": using,
        "secrets": given(NEW),
        "compromised_secrets": digests,
    }
    run = pair.deploy(second, **after).expect("released", 0)
    assert "api: new slot" in run.output and "(other secret DATABASE_URL, TOKEN)" in run.output
    assert "loses DATABASE_URL, TOKEN, which is compromised" in run.output
    assert found(pair, OLD) == {}
    assert {name for name in pair.containers("app1") if "other" in name} == untouched
    pair.deploy(second, **after).expect("unchanged", 0)

    back = pair.rollback(**after).expect("released", 0)
    assert (
        "comes back with the current DATABASE_URL, TOKEN: its own value is compromised"
        in back.output
    )
    assert pair.version() == first
    pair.converged(first)
    secret = "cat /srv/delight/live/secrets/api/DATABASE_URL /srv/delight/live/secrets/api.env"
    for host in pair.hosts:
        assert pair.exec(host, "sh", "-c", secret) == f"{NEW}-urlTOKEN='{NEW}-token'\n"
    assert found(pair, OLD) == {}
    assert OLD not in run.output + back.output and NEW not in run.output + back.output


@pytest.fixture
def backing(pair: Fleet) -> Iterator[Fleet]:
    """The fleet, whose servers know the vault's passwords again afterwards."""
    with unprovisioned():
        yield pair
        assert pair.play("provision", *BACKING).status == 0


def psql(fleet: Fleet, user: str, password: str, sql: str) -> str:
    """What the database says to a login, or why it says nothing."""
    script = (
        "PATH=$PATH:$(echo /usr/lib/postgresql/*/bin); read -r PGPASSWORD; export PGPASSWORD; "
        f"psql -h 10.78.0.13 -U {user} -d delight -Atqc '{sql}' 2>&1"
    )
    words = ["docker", "exec", "-i", "delight-data-postgres-1", "sh", "-c", script]
    return fleet.exec("data1", *words, check=False, text=f"{password}\n").strip()


def redis(fleet: Fleet, password: str) -> str:
    words = ["docker", "exec", "-i", "delight-data-redis-1", "redis-cli", "-h", "10.78.0.13"]
    return fleet.exec("data1", *words, text=f"AUTH {password}\nPING\n").split()[-1]


def servers(fleet: Fleet) -> list[str]:
    """The containers of PostgreSQL and Redis, and since when they run."""
    form = "{{.Name}} {{.Id}} {{.State.StartedAt}}"
    names = ["delight-data-postgres-1", "delight-data-redis-1"]
    return fleet.exec("data1", "docker", "inspect", "--format", form, *names).splitlines()


@pytest.mark.promise("S6", "M4")
def test_passwords_of_our_servers_are_replaced_while_the_old_ones_go_on(
    backing: Fleet, load: Load
) -> None:
    held, before = setup.vault(), servers(backing)
    old = {name: str(held[name]) for name in ("postgres_password", "redis_password")}
    login = {"user": "delight", "password": old["postgres_password"]}
    both = {
        **{"postgres_user": "delight_2", "postgres_password": NEW, "postgres_before": login},
        **{"redis_password": NEW, "redis_before": old["redis_password"]},
    }
    for wrong in ({"postgres_user": "other"}, {"redis_password": f"{NEW} in words"}):
        refused = backing.play("provision", *BACKING, **wrong)
        assert refused.status == 2 and NEW not in refused.output
        assert "postgres_user is delight or delight_2, and passwords" in " ".join(
            refused.output.split()
        )
    run = backing.play("provision", *BACKING, **both)
    assert run.status == 0, run.output
    assert (
        psql(backing, "delight_2", NEW, "SELECT current_user") == "delight"
    ), "it acts as the owner"
    psql(backing, "delight_2", NEW, "CREATE TABLE made (n int)")
    try:
        assert (
            psql(backing, "delight", old["postgres_password"], "SELECT count(*) FROM made") == "0"
        )
    finally:
        psql(backing, "delight_2", NEW, "DROP TABLE made")
    assert redis(backing, NEW) == redis(backing, old["redis_password"]) == "PONG"
    again = backing.play("provision", *BACKING, **both)
    assert not re.search(r"changed=[1-9]", again.output), again.output

    ended = {**both, "postgres_before": {}, "redis_before": ""}
    assert backing.play("provision", *BACKING, **ended).status == 0
    closed = psql(backing, "delight", old["postgres_password"], "SELECT 1")
    assert "failed" in closed and psql(backing, "delight_2", NEW, "SELECT 1") == "1"
    assert redis(backing, old["redis_password"]) == "required." and redis(backing, NEW) == "PONG"
    assert servers(backing) == before, "nothing was started again"

    # As with an editor, the value before forgotten: the server is started again, which knows neither.
    outright = {**ended, "redis_password": f"{NEW}-2"}
    assert backing.play("provision", *BACKING, **outright).status == 0
    assert (redis(backing, NEW), redis(backing, f"{NEW}-2")) == ("required.", "PONG")
    assert not [
        word for word in (NEW, *old.values()) if word in run.output + json.dumps(run.result)
    ]
