"""Small worlds for the engine's pure functions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from delight import plan, release, render, schema

SETTINGS = schema.validate_settings({"app_subnet": "10.89.0.0/16"})
API: dict[str, Any] = {
    "image": "registry.test/api",
    "port": 8000,
    "routes": [{"path": "/api"}],
    "replicas": 2,
    "secrets": ["DATABASE_URL"],
}
WORKER: dict[str, Any] = {"image": "registry.test/api", "command": ["work"], "overlap": False}
SECRETS = {"DATABASE_URL": "postgresql://u:hunter22@db/x"}
KEY = "k" * 32


def make_release(
    version: str = "v1",
    services: dict[str, Any] | None = None,
    secrets: dict[str, str] | None = None,
    indices: dict[str, int] | None = None,
) -> release.Release:
    """A release whose images have digests made from the version."""
    valid = schema.validate_services({"api": API} if services is None else services)
    images = {name: f"{s.image}@sha256:{release.digest(version)}" for name, s in valid.items()}
    places = indices or {name: n for n, name in enumerate(sorted(valid), 1)}
    return release.build(version, valid, images, places, secrets or SECRETS, KEY, SETTINGS)


def make_look(*kept: dict[str, Any], live: str | None = None, **state: Any) -> dict[str, Any]:
    """A healthy host that keeps the manifests `kept` and serves `live` from blue."""
    manifests = {manifest["id"]: manifest for manifest in kept}
    slots: dict[str, Any] = {}
    routes: dict[str, str] = {}
    containers: list[dict[str, Any]] = []
    for name, spec in manifests[live]["services"].items() if live else ():
        slots[name] = {"live": "blue", "blue": live, "green": None}
        if spec["port"]:
            keys = [f"@{name}.internal", *spec["routes"]]
            routes |= dict.fromkeys(keys, f"{name}-blue")
        for number in range(1, spec["replicas"] + 1):
            containers.append(
                {
                    **{"service": name, "slot": "blue", "release": live, "replica": str(number)},
                    **{"running": True, "memory": 0},
                }
            )
    history = [{"release": m["id"], "good": True, "since": ""} for m in kept]
    base = {"layout": 1, "live": live, "slots": slots, "history": history, "run": None}
    look = {
        "outcome": "ok",
        "held": None,
        "state": {
            **base,
            "last": None,
            "cool": [],
            "forgotten": {},
            "fleet": [],
            **copy.deepcopy(state),
        },
        "releases": manifests,
        "map": {"file": dict(routes), "runtime": dict(routes)},
        "environment": "test",
        "backends": {"file": "", "loaded": True},
        "containers": containers,
        "room": {"memory": 8 << 30, "disk": 50 << 30, "inodes": 10**6},
        "boot": "b",
        "problems": [],
    }
    if live:  # the edge has what that release needs
        wanted = manifests[live]["services"]
        occupants = plan.occupied({name: "blue" for name in wanted}, wanted, look)
        subnet = manifests[live]["subnet"]
        text = render.backends(render.edge_slots(occupants, subnet, "delight"), subnet)
        look["backends"] = {"file": text, "loaded": True}
    return look


@pytest.fixture
def releases() -> Callable[..., release.Release]:
    return make_release


@pytest.fixture
def looks() -> Callable[..., dict[str, Any]]:
    return make_look
