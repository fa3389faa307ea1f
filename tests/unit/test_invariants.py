"""The checker must see every broken rule, and none where all is well."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.fleet.support.invariants import broken

DECLARED = {"replicas": 2, "fingerprint": "f2", "routes": ["*/"], "port": 8000}
SERVERS = {"1": "10.89.1.201:8000", "2": "10.89.1.202:8000"}


def container(slot: str, number: int, release: str, **more: str) -> dict[str, str]:
    """One replica of `api`; live in green."""
    live = slot == "green"
    return {
        "name": f"delight-api-{slot}-{number}",
        "service": "api",
        "slot": slot,
        "release": release,
        "fingerprint": "f2" if live else "f1",
        "state": "running",
        "policy": "unless-stopped" if live else "no",
        **more,
    }


WELL: dict[str, Any] = {
    "state": {
        "live": "v2",
        "run": None,
        "slots": {"api": {"live": "green", "blue": "v1", "green": "v2"}},
    },
    "live": "v2",
    "map": {"*/": "api-green", "@api.internal": "api-green"},
    "runtime": {"*/": "api-green", "@api.internal": "api-green"},
    "pool": {"pool": "in", "ready": "yes"},
    "written": {"api-green": SERVERS},
    "loaded": {"api-green": SERVERS, "edge_missing": {}},
    "checks": {"api-green": {"1": "UP L7OK", "2": "UP L7OK"}},
    "containers": [
        *(container("blue", n, "v1") for n in (1, 2)),
        *(container("green", n, "v2") for n in (1, 2)),
    ],
    "releases": {"v1": {"api": {**DECLARED, "fingerprint": "f1"}}, "v2": {"api": DECLARED}},
}


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """A host where one thing is not as it should be."""
    seen = copy.deepcopy(WELL)
    change(seen)
    return seen


def test_nothing_is_broken_where_all_is_well() -> None:
    assert broken({"app1": WELL, "app2": WELL}) == []
    assert broken({"app1": WELL}, at_rest=False) == []


# What serves can't serve: seen at any moment.
SACRED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "nothing in the live slot": (
        lambda s: s.update(containers=s["containers"][:2]),
        "the map names api-green, and nothing runs there",
    ),
    "the runtime map alone names a slot": (
        lambda s: s["runtime"].update({"*/x": "web-blue"}),
        "the map names web-blue, and nothing runs there",
    ),
    "one replica has exited": (
        lambda s: s["containers"][3].update(state="exited"),
        "api-green: 1 of 2 replicas run",
    ),
    "its release was pruned": (
        lambda s: s["releases"].pop("v2"),
        "serves, and its release v2 is not kept",
    ),
    "it is another container": (
        lambda s: s["containers"][3].update(fingerprint="f9"),
        "delight-api-green-2 is not what its release declares",
    ),
}


@pytest.mark.parametrize("case", SACRED)
def test_what_serves_can_serve_at_any_moment(case: str) -> None:
    change, rule = SACRED[case]
    assert any(rule in line for line in broken({"app1": changed(change)}, at_rest=False))
    assert any(rule in line for line in broken({"app1": changed(change)}))


REST: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "lost state": (lambda s: s.update(state=None), "its state is gone while it serves"),
    "open run": (
        lambda s: s["state"].update(run={"id": "r", "phase": "staging"}),
        "run r is open in phase staging",
    ),
    "two maps": (lambda s: s["runtime"].update({"*/": "api-blue"}), "the map file says"),
    "a map that the state does not know": (
        lambda s: [s[m].update({"*/": "api-blue"}) for m in ("map", "runtime")],
        "the live slots of the release are",
    ),
    "another link": (lambda s: s.update(live="v1"), "the link says v1 is live"),
    "out of the pool": (lambda s: s["pool"].update(ready="no"), "the pool says ready no"),
    "a slot without its release": (
        lambda s: s["releases"].pop("v1"),
        "api-blue holds v1, which is not kept",
    ),
    "a container of no slot": (
        lambda s: s["containers"].append(container("blue", 3, "v0")),
        "delight-api-blue-3 (v0) belongs to no slot",
    ),
    "a boot would not start it": (
        lambda s: s["containers"][2].update(policy="no"),
        "delight-api-green-1 is live and has restart policy no",
    ),
    "a boot would start the old one": (
        lambda s: s["containers"][0].update(policy="unless-stopped"),
        "delight-api-blue-1 is not live and has restart policy unless-stopped",
    ),
    "a live replica is missing": (
        lambda s: s["containers"].pop(),
        "api-green is live without its 2 replicas",
    ),
    "a reload that was lost": (
        lambda s: s["loaded"].update({"api-green": {"1": "10.89.1.101:8000"}}),
        "the edge has loaded",
    ),
    "a server that is down": (
        lambda s: s["checks"]["api-green"].update({"2": "DOWN L4TOUT"}),
        "the edge sees api-green/2 as DOWN L4TOUT",
    ),
    "an edge that knows no server": (
        lambda s: s["checks"].clear(),
        "the edge sees api-green/any as unknown",
    ),
}


@pytest.mark.parametrize("case", REST)
def test_everything_agrees_at_rest(case: str) -> None:
    change, rule = REST[case]
    assert any(rule in line for line in broken({"app1": changed(change)}))


def test_a_fleet_has_one_release() -> None:
    other = changed(lambda s: [s["state"].update(live="v1"), s.update(live="v1")])
    assert "the fleet has 2 releases: ['v1', 'v2']" in broken({"app1": WELL, "app2": other})
