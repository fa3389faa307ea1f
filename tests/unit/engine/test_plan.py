"""What a host has to do follows from what is wanted and what was seen."""

from __future__ import annotations

import pytest
from delight import plan, preflight

from .conftest import API, SETTINGS, WORKER, make_look, make_release

BLUE, GREEN = ({"*/api/": slot, "@api.internal": slot} for slot in ("api-blue", "api-green"))
V1, V2, V3 = (make_release(v).manifest for v in ("v1", "v2", "v3"))


def test_the_first_deploy_stages_blue_and_routes_to_it() -> None:
    found = plan.plan_host(V1, make_look(), "a", ["a"])
    assert found["stage"] == [{"service": "api", "slot": "blue"}]
    assert found["map"] == BLUE


def test_a_new_version_goes_to_the_other_slot() -> None:
    found = plan.plan_host(V2, make_look(V1, live=V1["id"]), "a", ["a"])
    assert found["stage"] == [{"service": "api", "slot": "green"}]
    assert found["map"] == GREEN


def test_the_same_version_changes_nothing() -> None:
    assert plan.changes_nothing(plan.plan_fleet(V1, {"a": make_look(V1, live=V1["id"])}))


def test_a_dead_replica_makes_a_new_slot_necessary() -> None:
    look = make_look(V1, live=V1["id"])
    look["containers"][0]["running"] = False
    assert "1 of 2 replicas run" in plan.plan_host(V1, look, "a", ["a"])["changes"][0]


def test_a_running_map_that_differs_from_its_file_is_not_nothing() -> None:
    look = make_look(V1, live=V1["id"])
    look["map"]["runtime"] = {}
    assert plan.plan_host(V1, look, "a", ["a"])["changes"] == [
        "edge: its running map is not the one in the file"
    ]


def test_only_the_changed_service_gets_a_new_slot() -> None:
    web = {**API, "routes": [{"path": "/"}]}
    both = make_release("v1", {"api": API, "web": web}).manifest
    changed = make_release("v1", {"api": API, "web": {**web, "env": {"A": "1"}}}).manifest
    found = plan.plan_host(changed, make_look(both, live=both["id"]), "a", ["a"])
    assert [one["service"] for one in found["stage"]] == ["web"]
    assert found["map"] == {
        **{"*/api/": "api-blue", "*/": "web-green"},
        **{"@api.internal": "api-blue", "@web.internal": "web-green"},
    }


def test_a_removed_service_ends() -> None:
    both = make_release("v1", {"api": API, "web": {**API, "routes": [{"path": "/w"}]}}).manifest
    found = plan.plan_host(V2, make_look(both, live=both["id"]), "a", ["a"])
    assert found["gone"] == ["web"]
    assert found["map"] == GREEN


def test_a_worker_is_moved_and_not_staged() -> None:
    with_worker = make_release("v1", {"api": API, "worker": WORKER}).manifest
    found = plan.plan_host(with_worker, make_look(), "a", ["a"])
    assert [one["service"] for one in found["stage"]] == ["api"]
    assert [one["service"] for one in found["workers"]] == ["worker"]


def test_a_worker_that_ends_is_sealed_one_that_is_replaced_is_not() -> None:
    with_worker = make_release("v1", {"api": API, "worker": WORKER}).manifest
    newer = make_release("v2", {"api": API, "worker": WORKER}).manifest
    look = make_look(with_worker, live=with_worker["id"])
    assert plan.plan_host(V2, look, "a", ["a"])["seal"]
    assert not plan.plan_host(newer, look, "a", ["a"])["seal"]


@pytest.mark.promise("H7")
def test_a_singleton_runs_on_the_first_host_only() -> None:
    one = make_release("v1", {"api": API, "cron": {**WORKER, "singleton": True}}).manifest
    plans = plan.plan_fleet(one, {"b": make_look(), "a": make_look()})
    assert [bool(plans[host]["workers"]) for host in ("a", "b")] == [True, False]


def test_only_versions_change_then_the_edge_config_does_not() -> None:
    first = plan.plan_host(V1, make_look(), "a", ["a"])["backends"]
    second = plan.plan_host(V2, make_look(V1, live=V1["id"]), "a", ["a"])["backends"]
    assert first == second


def test_a_service_keeps_its_place_whatever_is_added() -> None:
    look = make_look(V1, live=V1["id"])
    services = {"aaa": None, "api": None, "zzz": None}
    assert plan.allocate(services, {"a": look}) == {"api": 1, "aaa": 2, "zzz": 3}  # type: ignore[arg-type]


def history(*entries: tuple[str, bool]) -> list[dict[str, object]]:
    return [{"release": release, "good": good, "since": ""} for release, good in entries]


@pytest.mark.promise("R3")
def test_a_bare_rollback_takes_the_newest_good_one_before_the_live_one() -> None:
    look = make_look(V1, V2, V3, live=V3["id"])
    assert plan.rollback_target({"a": look, "b": look}, None) == V2["id"]


@pytest.mark.promise("R3")
def test_the_release_that_was_left_is_no_target() -> None:
    entries = history((V1["id"], True), (V3["id"], False), (V2["id"], True))
    look = make_look(V1, V2, V3, live=V2["id"], history=entries)
    assert plan.rollback_target({"a": look}, None) == V1["id"]


@pytest.mark.promise("R5")
def test_nothing_to_go_back_to_is_a_reason() -> None:
    with pytest.raises(plan.Impossible, match="no good release before"):
        plan.rollback_target({"a": make_look(V1, live=V1["id"])}, None)
    with pytest.raises(plan.Impossible, match="nothing is deployed"):
        plan.rollback_target({"a": make_look()}, None)


@pytest.mark.promise("R3")
def test_an_unknown_release_is_named_with_the_known_ones() -> None:
    with pytest.raises(plan.Impossible, match=f"nope is not kept; kept are: {V1['id']}"):
        plan.rollback_target({"a": make_look(V1, live=V1["id"])}, "nope")


def test_a_release_that_no_host_keeps_is_no_target() -> None:
    looks = {"a": make_look(V1, V2, live=V2["id"]), "b": make_look(V2, live=V2["id"])}
    assert plan.rollback_target(looks, V1["id"]) == V1["id"]
    with pytest.raises(plan.Impossible, match="release v9 is not kept; kept are: v1-"):
        plan.rollback_target(looks, "v9")


@pytest.mark.promise("R5")
def test_a_host_that_joined_later_does_not_keep_the_others_from_going_back() -> None:
    old, new = make_look(V1, V2, live=V2["id"]), make_look(V2, live=V2["id"])
    for entry, since in zip(old["state"]["history"], ("10:00", "11:00"), strict=True):
        entry["since"] = since
    new["state"]["history"][0]["since"] = "11:01"
    assert plan.rollback_target({"a": old, "b": new}, None) == V1["id"]
    assert plan.rollback_target({"a": old, "b": make_look()}, None) == V1["id"]
    # One that was here before knows nothing of it: it was never the fleet's.
    new["state"]["history"][0]["since"] = "09:00"
    with pytest.raises(plan.Impossible, match="there is no good release before"):
        plan.rollback_target({"a": old, "b": new}, None)


def test_a_singleton_stays_on_the_first_host_whatever_the_run_is_for() -> None:
    one = make_release("v1", {"api": API, "cron": {**WORKER, "singleton": True}}).manifest
    plans = plan.plan_fleet(one, {"b": make_look()}, ["a", "b"])
    assert plans["b"]["workers"] == []


@pytest.mark.promise("T2")
def test_memory_counts_workers_and_what_is_stopped_first() -> None:
    release = make_release("v2", {"api": API, "work": WORKER}).manifest
    look = make_look()
    plans = plan.plan_fleet(release, {"a": look})
    needed = sum(spec["memory_b"] * spec["replicas"] for spec in release["services"].values())
    look["room"]["memory"] = needed + SETTINGS.memory_margin - 1
    [said] = preflight.lacks(release, plans, {"a": look}, SETTINGS)
    assert said.startswith("a: the new slots may take ")
    slot = plans["a"]["stage"][0]["slot"]
    warm = {"service": "api", "slot": slot, "running": True, "release": "v1-x", "memory": 1}
    look["containers"].append(warm)
    assert preflight.lacks(release, plans, {"a": look}, SETTINGS) == []


@pytest.mark.promise("R3")
def test_going_back_to_what_is_warm_needs_no_memory() -> None:
    look = make_look(V1, V2, live=V2["id"])
    look["state"]["slots"]["api"]["green"] = V1["id"]
    replicas = V1["services"]["api"]["replicas"]
    look["containers"] += [
        {"service": "api", "slot": "green", "running": True, "release": V1["id"], "memory": 9}
    ] * replicas
    look["room"]["memory"] = 0
    plans = plan.plan_fleet(V1, {"a": look})
    assert plans["a"]["stage"] == [{"service": "api", "slot": "green"}]
    assert preflight.lacks(V1, plans, {"a": look}, SETTINGS) == []


@pytest.mark.parametrize(
    ("room", "said"),
    [
        ({"memory": 1 << 30}, "a: the new slots may take 1 GiB of memory"),
        ({"disk": 1 << 20}, "a: 1 MiB of disk is free"),
        ({"inodes": 3}, "a: 3 inodes are free"),
    ],
)
def test_a_host_without_room_is_refused(room: dict[str, int], said: str) -> None:
    look = make_look()
    look["room"] |= room
    plans = plan.plan_fleet(V1, {"a": look})
    assert said in preflight.lacks(V1, plans, {"a": look}, SETTINGS)[0]


def test_both_slots_of_all_hosts_must_fit_the_database() -> None:
    greedy = make_release("v1", {"api": {**API, "db_connections": 10}}).manifest
    looks = {"a": make_look(), "b": make_look()}
    tight = SETTINGS.model_copy(update={"database_max_connections": 79})
    plans = plan.plan_fleet(greedy, looks)
    assert "may open 80 connections, the server allows 79" in "".join(
        preflight.lacks(greedy, plans, looks, tight)
    )
    assert not preflight.lacks(
        greedy, plans, looks, SETTINGS.model_copy(update={"database_max_connections": 80})
    )
