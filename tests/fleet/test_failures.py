"""Bad releases: whatever goes wrong, the old release answers everywhere and the reason is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fleet.support.fleet import Fleet, held_lock, until
from tests.fleet.support.load import Load


def untouched(fleet: Fleet, load: Load) -> None:
    """Every host is on v1, no request failed and nothing half started is left."""
    fleet.converged("v1")
    assert load.report.failures == []


BAD = [
    ("never_healthy", "timeout", "no 3 good answers in a row"),
    ("exits_at_once", "exited", "its container exited with status 1"),
    ("healthy_once_then_crashes", "exited", "its container exited"),
    ("wrong_version", "wrong_release", "it answers as release 'some-other-release'"),
]


@pytest.mark.parametrize(("version", "event", "reason"), BAD)
def test_a_bad_release_is_put_back(
    pair: Fleet, load: Load, version: str, event: str, reason: str
) -> None:
    run = pair.deploy(version).expect("rolled back", 21)
    assert reason in run.output
    for host in pair.hosts:
        sick = run.result["sick"][host]
        assert {one["event"] for one in sick} == {event}
        assert all(one["logs"] for one in sick)
    untouched(pair, load)


@pytest.mark.parametrize(("version", "event", "reason"), BAD)
def test_a_bad_release_on_a_fleet_of_one(
    solo: Fleet, solo_load: Load, version: str, event: str, reason: str
) -> None:
    run = solo.deploy(version).expect("rolled back", 21)
    assert {one["event"] for one in run.result["sick"]["solo"]} == {event}
    untouched(solo, solo_load)


def test_a_check_that_fails_on_one_host_refuses_before_anything_is_staged(
    pair: Fleet, load: Load, services: dict[str, dict[str, object]]
) -> None:
    says = (
        "import os, socket; print('no way to', open(os.environ['DATABASE_URL_FILE']).read());"
        "socket.create_connection(('10.78.0.13', 5000), 5)"
    )
    services["api"]["check"] = ["python3", "-c", says]
    before = pair.ids()
    rule = ["DOCKER-USER", "-d", "10.78.0.13", "-p", "tcp", "--dport", "5000", "-j", "REJECT"]
    pair.exec("app2", "iptables", "-I", *rule)
    try:
        run = pair.deploy("v2", services=services).expect("refused", 20)
    finally:
        pair.exec("app2", "iptables", "-D", *rule)
    [sick] = run.result["sick"]["app2"]
    assert sick["name"] == "api check"
    assert "ConnectionRefusedError" in run.output
    assert "│ no way to ••••••" in run.output
    assert list(run.result["sick"]) == ["app2"]
    assert "stage" not in run.result["acts"]
    assert pair.ids() == before
    untouched(pair, load)
    pair.deploy("v2", services=services).expect("released", 0)
    assert load.report.failures == []


def test_in_an_emergency_the_gate_is_skipped_and_the_journal_says_so(
    solo: Fleet, services: dict[str, dict[str, object]]
) -> None:
    services["api"]["check"] = ["false"]
    run = solo.deploy("never_healthy", services=services, skip_gate=True).expect("released", 0)
    assert "the gate was skipped" in run.output
    assert solo.versions() == {"solo": "never_healthy"}
    lines = solo.exec("solo", "tail", "-n", "3", "/srv/delight/journal.jsonl").splitlines()
    assert all(json.loads(line)["skip_gate"] is True for line in lines)
    # What never passed a gate is no target: back from v2 the way leads to v1.
    solo.deploy("v2").expect("released", 0)
    solo.rollback().expect("released", 0)
    assert solo.versions() == {"solo": "v1"}


def test_without_a_gate_a_container_still_has_to_run(solo: Fleet, solo_load: Load) -> None:
    run = solo.deploy("exits_at_once", "-e", "skip_gate=true").expect("rolled back", 21)
    assert {one["event"] for one in run.result["sick"]["solo"]} == {"exited"}
    untouched(solo, solo_load)


def test_an_image_that_does_not_exist_is_refused(pair: Fleet, load: Load) -> None:
    before = pair.ids()
    run = pair.deploy("nope").expect("refused", 20)
    assert "delight-test:nope does not exist; build and push it with build.yml" in run.output
    assert pair.ids() == before
    untouched(pair, load)


@contextmanager
def deaf(fleet: Fleet, host: str, address: str) -> Iterator[None]:
    """Make a container's address unreachable on one host."""
    rule = ["OUTPUT", "-d", address, "-j", "DROP"]
    fleet.exec(host, "iptables", "-I", *rule)
    try:
        yield
    finally:
        fleet.exec(host, "iptables", "-D", *rule)


def test_healthy_on_one_host_broken_on_the_other(pair: Fleet, load: Load) -> None:
    index = next(iter(pair.state("app2")["slots"].values()))
    digit = "2" if index["live"] == "blue" else "1"
    maps = [pair.exec(host, "cat", "/srv/delight/edge/live.map") for host in pair.hosts]
    with deaf(pair, "app2", f"10.89.1.{digit}01"):
        run = pair.deploy("v2").expect("rolled back", 21)
    assert list(run.result["sick"]) == ["app2"]
    assert run.result["acts"]["stage"]["app1"]["outcome"] == "ok"
    assert "switch" not in run.result["acts"]
    assert [pair.exec(host, "cat", "/srv/delight/edge/live.map") for host in pair.hosts] == maps
    untouched(pair, load)


def test_a_secret_in_a_sick_containers_log_is_not_shown(
    pair: Fleet, load: Load, services: dict[str, dict[str, object]]
) -> None:
    says = (
        "import os; print('dsn', open(os.environ['DATABASE_URL_FILE']).read()); raise SystemExit(9)"
    )
    services["api"]["command"] = ["python3", "-c", says]
    run = pair.deploy("v1", services=services).expect("rolled back", 21)
    value = pair.exec(
        "app1", "sh", "-c", "cat /srv/delight/releases/*/secrets/api/DATABASE_URL | head -n 1"
    ).strip()
    password = value.split(":")[2].split("@")[0]
    assert "│ dsn ••••••" in run.output
    assert password not in run.output
    assert password not in pair.exec("app1", "cat", "/srv/delight/journal.jsonl")
    untouched(pair, load)


def test_ssh_is_lost_on_a_host_after_the_other_switched(pair: Fleet, load: Load) -> None:
    playing = pair.start("deploy", version="v2")
    playing.until("TASK [rollout : Stage")
    with held_lock(pair, "app2") as held:
        until(held, "the second host's lock is held between its acts")
        until(lambda: pair.ask("app1").get("version") == "v2", "the first host has switched")
        pair.exec("app2", "systemctl", "stop", "ssh.socket", "ssh.service", check=False)
        pair.exec("app2", "pkill", "-9", "-f", "sshd", check=False)
        until(lambda: pair.ask("app1").get("version") == "v1", "the first host is put back")
    try:
        run = playing.end().expect("needs attention", 22)
        assert "app2: cannot be reached" in run.output
        assert load.report.failures == []
        refused = pair.deploy("v2")
        assert refused.outcome == "refused", refused.output
        assert "app2" in refused.output
    finally:
        pair.exec("app2", "systemctl", "start", "ssh")
    pair.play("recover").expect("recovered", 0)
    until(lambda: set(pair.versions().values()) == {"v1"}, "the other host is mended too")
    untouched(pair, load)


def test_a_rollback_with_the_registry_stopped(pair: Fleet, load: Load) -> None:
    pair.deploy("v2").expect("released", 0)
    project = ["docker", "ps", "-q", "--filter", "name=registry"]
    registry = pair.exec("data1", *project).strip()
    pair.exec("data1", "docker", "stop", registry)
    try:
        pair.rollback().expect("released", 0)
        run = pair.deploy("v3").expect("refused", 20)
        assert "registry 10.78.0.13:5000 does not answer" in run.output
    finally:
        pair.exec("data1", "docker", "start", registry)
    untouched(pair, load)


def test_a_rollback_with_nothing_to_go_back_to(solo: Fleet, solo_load: Load) -> None:
    for _ in range(6):  # every good release before the live one, at most as many as are kept
        run = solo.rollback()
        if run.status:
            break
    run.expect("refused", 20)
    assert "there is no good release before" in run.output
    assert solo_load.report.failures == []


def test_an_unknown_release_is_named_with_the_known_ones(pair: Fleet, load: Load) -> None:
    run = pair.rollback(release="v9-nope").expect("refused", 20)
    assert "release v9-nope is not kept; kept are: " in run.output
    untouched(pair, load)


def test_a_frozen_application_costs_waiting_and_no_error(solo: Fleet) -> None:
    pause = threading.Event()
    with Load(solo.url, rate=50, slow_rate=0, streams=0) as load:
        signal_replicas(solo, "STOP")
        pause.wait(4)
        signal_replicas(solo, "CONT")
        sent = load.report.count()
        load.until(lambda report: report.count() > sent + 50, 60)
    assert load.report.failures == []


def signal_replicas(fleet: Fleet, name: str) -> None:
    """Signal the application itself, below each container's init, and behind Docker's back.

    For Docker a container that was sent any signal is stopped by hand: no boot starts it again.
    """
    script = "docker inspect -f '{{.State.Pid}}' $(docker ps -q -f label=delight.slot) |"
    fleet.exec("solo", "sh", "-c", f"{script} xargs -n 1 pkill -{name} -P")
