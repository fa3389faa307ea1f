"""Good releases: version after version and back, and no request fails."""

from __future__ import annotations

from tests.fleet.support.fleet import Fleet, until
from tests.fleet.support.load import Load


def release_of(fleet: Fleet, version: str) -> str:
    """The id under which a fleet keeps a version."""
    found = fleet.exec("app1", "ls", "/srv/delight/releases").split()
    return next(name for name in found if name.startswith(f"{version}-"))


def test_three_versions_and_back(pair: Fleet, load: Load) -> None:
    both = {"app1", "app2"}
    for version in ("v2", "v3"):
        pair.deploy(version).expect("released", 0)
        assert pair.versions() == dict.fromkeys(both, version)
    for version in ("v2", "v1"):
        pair.rollback().expect("released", 0)
        assert pair.versions() == dict.fromkeys(both, version)
    pair.rollback(release=release_of(pair, "v2")).expect("released", 0)
    assert pair.versions() == dict.fromkeys(both, "v2")
    assert load.report.failures == []
    assert {
        kind for kind in ("kept", "new", "post", "slow") if not load.report.count(kind)
    } == set()


def test_a_stream_outlives_the_switch_and_ends_at_its_drain_bound(pair: Fleet, load: Load) -> None:
    old = pair.state("app1")["live"]
    load.until(lambda report: len(report.streams) == 2 and all(s.lines for s in report.streams), 20)
    run = pair.deploy("v2").expect("released", 0)
    ended = [s for s in load.report.streams if s.release == old and s.end != "open"]
    settled = run.result["acts"]["settle"].values()
    assert sum(one["cut"] for outcome in settled for one in outcome["drained"]) == len(ended) == 2
    new = pair.state("app1")["live"]
    switched = min(one.answered for one in load.report.served if one.release == new)
    assert all(s.ended > switched for s in ended)
    assert load.report.failures == []


def test_the_same_version_again_touches_nothing(pair: Fleet, load: Load) -> None:
    before = pair.ids()
    states = [pair.exec(host, "cat", "/srv/delight/state.json") for host in pair.hosts]
    pair.deploy("v1").expect("unchanged", 0)
    assert pair.ids() == before
    assert [pair.exec(host, "cat", "/srv/delight/state.json") for host in pair.hosts] == states
    assert load.report.failures == []


def test_check_mode_plans_and_touches_nothing(pair: Fleet) -> None:
    before = pair.ids(), [pair.state(host) for host in pair.hosts]
    run = pair.deploy("v2", "--check", "--diff")
    assert run.status == 0, run.output
    assert "app1: api: new slot" in run.output
    assert "PLANNED: v2-" in run.output
    assert (pair.ids(), [pair.state(host) for host in pair.hosts]) == before


def test_one_host_alone(solo: Fleet, solo_load: Load) -> None:
    solo.deploy("v2").expect("released", 0)
    assert solo.versions() == {"solo": "v2"}
    solo.rollback().expect("released", 0)
    assert solo.versions() == {"solo": "v1"}
    assert solo_load.report.failures == []


def test_only_versions_change_then_the_edge_is_not_reloaded(pair: Fleet) -> None:
    pair.deploy("v2").expect("released", 0)
    workers = [pair.exec(h, "pgrep", "-f", "haproxy") for h in pair.hosts]
    pair.deploy("v3").expect("released", 0)
    assert [pair.exec(h, "pgrep", "-f", "haproxy") for h in pair.hosts] == workers


def test_routes_come_move_and_go(pair: Fleet, load: Load, services: dict[str, object]) -> None:
    api = services["api"]
    assert isinstance(api, dict)
    second = {**api, "routes": [{"path": "/second"}], "replicas": 1}
    pair.deploy("v1", services={**services, "second": second}).expect("released", 0)
    asked = pair.exec("app1", "curl", "-s", "http://127.0.0.1/second")
    assert '"host": "second-1"' in asked
    moved = {"api": {**api, "routes": [{"path": "/"}, {"path": "/second"}]}}
    pair.deploy("v1", services=moved).expect("released", 0)
    assert '"host": "api-' in pair.exec("app1", "curl", "-s", "http://127.0.0.1/second")
    pair.rollback().expect("released", 0)
    assert '"host": "second-1"' in pair.exec("app1", "curl", "-s", "http://127.0.0.1/second")
    assert load.report.failures == []


def running(fleet: Fleet, *services: str) -> dict[str, list[str]]:
    """{host: ["service version" of every container of these services that runs there]}."""
    return {
        host: sorted(
            f"{name.split('-')[1]} {release.split('-')[0]}"
            for name, release in fleet.containers(host).items()
            if name.split("-")[1] in services
        )
        for host in fleet.hosts
    }


def test_workers_and_singletons_move_after_the_traffic(
    pair: Fleet, load: Load, services: dict[str, object]
) -> None:
    worker = {
        "image": "{{ registry }}/delight-test",
        "env": {"PORT": "0"},
        "memory": "64m",
        "health": {"timeout": "20s"},
    }
    clock = {**worker, "singleton": True, "overlap": False}
    more = {**services, "worker": worker, "clock": clock}
    for version in ("v1", "v2"):
        pair.deploy(version, services=more).expect("released", 0)
    v2 = {"app1": ["clock v2", "worker v2"], "app2": ["worker v2"]}
    assert running(pair, "clock", "worker") == v2
    # A worker that does not start puts everything back, itself included.
    broken = {**more, "worker": {**worker, "command": ["false"]}}
    run = pair.deploy("v3", services=broken).expect("rolled back", 21)
    assert "delight-worker-blue-1: its container exited with status 1" in run.output
    assert set(pair.versions().values()) == {"v2"}
    assert running(pair, "clock", "worker") == v2
    pair.rollback().expect("released", 0)
    assert running(pair, "clock", "worker") == {
        "app1": ["clock v1", "worker v1"],
        "app2": ["worker v1"],
    }
    pair.deploy("v1").expect("released", 0)
    assert running(pair, "clock", "worker") == {"app1": [], "app2": []}
    assert load.report.failures == []


def test_a_warm_slot_is_stopped_when_its_time_is_over(
    solo: Fleet, services: dict[str, dict[str, object]]
) -> None:
    services["api"]["warm"] = "1s"
    for version in ("v2", "v3"):
        solo.deploy(version, services=services).expect("released", 0)

    def only_the_live_slot_runs() -> bool:
        solo.exec("solo", "systemctl", "start", "delight-sweep.service")
        return {r.split("-")[0] for r in solo.containers("solo").values()} == {"v3"}

    until(only_the_live_slot_runs, "the old slot was stopped")
    assert solo.versions() == {"solo": "v3"}
    solo.rollback().expect("released", 0)
    assert solo.versions() == {"solo": "v2"}
