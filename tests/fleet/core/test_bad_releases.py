"""Bad releases: on every host the old one goes on answering, and the reason is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fleet.support import bad
from tests.fleet.support.bad import Services
from tests.fleet.support.hosts import Fleet
from tests.fleet.support.load import Load


@pytest.mark.promise("R1", "G1", "G4", "G7")
@pytest.mark.parametrize("one", [bad.NEVER_HEALTHY, bad.HEALTHY_ONCE], ids=lambda one: one.version)
def test_on_two_hosts(pair: Fleet, load: Load, services: Services, one: bad.Bad) -> None:
    bad.put_back(pair, one, bad.hurried(services))


@pytest.mark.promise("T5", "R1", "G2", "G3", "G4", "G6")
@pytest.mark.parametrize("one", [bad.EXITS_AT_ONCE, bad.WRONG_VERSION], ids=lambda one: one.version)
def test_on_one_host(solo: Fleet, solo_load: Load, services: Services, one: bad.Bad) -> None:
    bad.put_back(solo, one, services)


@contextmanager
def rule(fleet: Fleet, host: str, *words: str) -> Iterator[None]:
    """A rule of the firewall of one host, for the length of the block."""
    fleet.exec(host, "iptables", "-I", *words)
    try:
        yield
    finally:
        fleet.exec(host, "iptables", "-D", *words)


@pytest.mark.promise("R1", "G4")
def test_healthy_on_one_host_broken_on_the_other(
    pair: Fleet, load: Load, services: Services
) -> None:
    old, [new] = pair.version(), pair.next_versions()
    live = pair.state("app2")["slots"]["api"]["live"]
    address = f"10.89.1.{2 if live == 'blue' else 1}01"
    maps = {host: seen["map"] for host, seen in pair.observe().items()}
    with rule(pair, "app2", "OUTPUT", "-d", address, "-j", "DROP"):
        run = pair.deploy(new, services=bad.hurried(services)).expect("rolled back", 21)
    assert list(run.result["sick"]) == ["app2"]
    assert run.result["acts"]["stage"]["app1"]["outcome"] == "ok"
    assert "switch" not in run.result["acts"]
    assert {host: seen["map"] for host, seen in pair.observe().items()} == maps
    pair.converged(old)


@pytest.mark.promise("S3", "G4")
def test_a_secret_in_a_sick_containers_log_is_not_shown(
    pair: Fleet, load: Load, services: Services
) -> None:
    old = pair.version()
    says = (
        "import os; print('dsn', open(os.environ['DATABASE_URL_FILE']).read()); raise SystemExit(9)"
    )
    services["api"]["command"] = ["python3", "-c", says]
    run = pair.deploy(old, services=services).expect("rolled back", 21)
    secret = "cat /srv/delight/releases/*/secrets/api/DATABASE_URL | head -n 1"
    password = pair.exec("app1", "sh", "-c", secret).split(":")[2].split("@")[0]
    # Both hosts have said it: it is told once, and the reason is what stays on the screen.
    assert run.output.count("│ dsn ••••••") == 1
    last = run.output.splitlines()[-1]
    assert last.startswith("  app1, app2: delight-api-") and "exited with status 9" in last
    assert password not in run.output
    assert password not in pair.exec("app1", "cat", "/srv/delight/journal.jsonl")
    pair.converged(old)


@pytest.mark.promise("S2", "S3", "R1")
def test_a_check_that_fails_on_one_host_refuses_before_anything_is_staged(
    pair: Fleet, load: Load, services: Services
) -> None:
    old, [new], before = pair.version(), pair.next_versions(), pair.ids()
    says = (
        "import os, socket; print('no way to', open(os.environ['DATABASE_URL_FILE']).read());"
        "socket.create_connection(('10.78.0.13', 5000), 5)"
    )
    services["api"]["check"] = ["python3", "-c", says]
    closed = ["DOCKER-USER", "-d", "10.78.0.13", "-p", "tcp", "--dport", "5000", "-j", "REJECT"]
    with rule(pair, "app2", *closed):
        run = pair.deploy(new, services=services).expect("refused", 20)
    [what] = run.result["sick"]["app2"]
    assert what["name"] == "api check"
    assert "ConnectionRefusedError" in run.output
    assert "│ no way to ••••••" in run.output
    assert list(run.result["sick"]) == ["app2"]
    assert "stage" not in run.result["acts"]
    assert pair.ids() == before
    pair.converged(old)
    pair.deploy(new, services=services).expect("released", 0)
    pair.serves(new)
