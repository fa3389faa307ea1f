"""Good releases, forward and back under load, on hosts that are never put back in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fleet.support.hosts import Fleet
from tests.fleet.support.load import Load


@contextmanager
def stopped_registry(fleet: Fleet) -> Iterator[None]:
    """No registry inside the block."""
    listing = ["docker", "ps", "--all", "--quiet", "--filter", "name=delight-data-registry"]
    registry = fleet.exec("data1", *listing).strip()
    fleet.exec("data1", "docker", "stop", registry)
    try:
        yield
    finally:
        fleet.exec("data1", "docker", "start", registry)


def loaded(fleet: Fleet) -> dict[str, str]:
    """{host: the processes of its edge}: a reload starts a new one."""
    ask = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('{}'); s.sendall(b'{}\\n'); "
    ask += "s.shutdown(socket.SHUT_WR); print(s.makefile().read())"
    script = ask.format("/srv/delight/edge/run/master.sock", "show proc")
    said = {host: fleet.exec(host, "python3", "-c", script) for host in fleet.hosts}
    # Process, kind and number of reloads; the time it has run goes on.
    return {
        host: "\n".join(
            " ".join(line.split()[:3]) for line in text.splitlines() if line[:1].isdigit()
        )
        for host, text in said.items()
    }


@pytest.mark.promise("T1", "T2", "T3", "T9", "C1", "C6", "R3", "R4", "R5", "R8", "W1")
def test_versions_forward_and_back(pair: Fleet, load: Load) -> None:
    first, (second, third) = pair.version(), pair.next_versions(2)
    before = pair.ids(), pair.live()
    plan = pair.deploy(second, "--check", "--diff")
    assert (plan.status, "api: new slot" in plan.output) == (0, True), plan.output
    assert f"PLANNED: {second}-" in plan.output
    refused = pair.deploy("nope").expect("refused", 20)
    assert "delight-test:nope does not exist; build and push it with build.yml" in refused.output
    assert (pair.ids(), pair.live()) == before

    pair.deploy(second).expect("released", 0)
    pair.serves(second)
    edges = loaded(pair)
    pair.deploy(third).expect("released", 0)
    pair.serves(third)
    assert loaded(pair) == edges  # a version changes the map alone

    newest, containers = pair.live(), pair.ids()
    pair.deploy(third).expect("unchanged", 0)
    assert pair.ids() == containers

    with stopped_registry(pair):
        unknown = pair.rollback(release="v9-nope").expect("refused", 20)
        assert "release v9-nope is not kept; kept are: " in unknown.output
        for version in (second, first):
            pair.rollback().expect("released", 0)
            pair.serves(version)
        pair.rollback(release=newest).expect("released", 0)
        pair.serves(third)
        refused = pair.deploy(pair.next_versions()[0]).expect("refused", 20)
        assert "registry 10.78.0.13:5000 does not answer" in refused.output
    assert all(load.report.count(kind) for kind in ("kept", "new", "post", "slow"))


@pytest.mark.promise("T3", "T4")
def test_a_stream_outlives_the_switch_and_ends_at_its_drain_bound(pair: Fleet) -> None:
    old = pair.live()
    with Load(pair.url, rate=50, streams=2) as load:
        load.until(lambda report: sum(s.lines > 0 for s in report.streams) == 2, 20)
        run = pair.deploy(pair.next_versions()[0]).expect("released", 0)
        new = pair.live()
        load.until(lambda report: new in report.releases(), 20)
    ended = [s for s in load.report.streams if s.release == old]
    assert {s.end for s in ended} <= {"clean", "cut"}
    settled = run.result["acts"]["settle"].values()
    assert sum(one["cut"] for outcome in settled for one in outcome["drained"]) == len(ended) == 2
    switched = min(one.answered for one in load.report.served if one.release == new)
    assert all(s.ended > switched for s in ended)
    assert load.report.failures == []


@pytest.mark.promise("T2", "R4")
def test_routes_come_move_and_go(
    pair: Fleet, load: Load, services: dict[str, dict[str, object]]
) -> None:
    version, api = pair.version(), services["api"]
    second = {**api, "routes": [{"path": "/second"}], "replicas": 1}

    def answers(path: str) -> str:
        return str(pair.ask("app1", path).get("host"))

    pair.deploy(version, services={**services, "second": second}).expect("released", 0)
    assert answers("/second").startswith("app1-second-")
    moved = {"api": {**api, "routes": [{"path": "/"}, {"path": "/second"}]}}
    pair.deploy(version, services=moved).expect("released", 0)
    assert answers("/second").startswith("app1-api-")
    pair.rollback().expect("released", 0)
    assert answers("/second").startswith("app1-second-")


@pytest.mark.promise("T5", "R3", "R5")
def test_one_host_alone(solo: Fleet, solo_load: Load) -> None:
    first, [second] = solo.version(), solo.next_versions()
    solo.deploy(second).expect("released", 0)
    solo.serves(second)
    solo.rollback().expect("released", 0)
    solo.serves(first)
    # Back over every good release, at most as many as are kept, there is an end to it.
    for _ in range(7):
        run = solo.rollback()
        if run.status:
            break
    run.expect("refused", 20)
    assert "there is no good release before" in run.output
