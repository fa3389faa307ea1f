"""Slots on this host: starting, stopping and removing what runs in them."""

from __future__ import annotations

from typing import Any

from . import docker, serving, store
from .addresses import SLOT_DIGITS, address, backend
from .edge import Edge


def guard(at: store.Store, state: dict[str, Any], service: str, slot: str) -> None:
    """Refuse to touch a slot that serves; everything that stops or removes passes here."""
    name = backend(service, slot)
    if name in serving.named(Edge(at.root), state):
        raise store.Refused("failed", f"{name} serves and is not touched")


def bring_up(
    at: store.Store, state: dict[str, Any], manifest: dict[str, Any], service: str, slot: str
) -> dict[str, Any]:
    """Have every replica of `service` run in `slot`; the result says how it came about.

    A slot that holds this very release is used as it is (warm: running, cold: stopped); anything
    else in it is stopped, removed and replaced.
    """
    spec = manifest["services"][service]
    found = docker.containers(service=service, slot=slot)
    same = len(found) == spec["replicas"] and all(
        (c["release"], c["fingerprint"]) == (manifest["id"], spec["fingerprint"]) for c in found
    )
    if same:
        how = "warm" if all(c["running"] for c in found) else "cold"
        docker.in_parallel(lambda c: docker.start(c["id"]), [c for c in found if not c["running"]])
    else:
        clear(at, state, service, slot, spec["grace_s"])
        variables = {
            "RELEASE": manifest["id"],
            "SLOT": slot,
            "SLOT_DIGIT": SLOT_DIGITS[slot],
        }
        names = [f"{service}-{n}" for n in range(1, spec["replicas"] + 1)]
        file = at.releases / manifest["id"] / "compose.yml"
        project = f"delight-{backend(service, slot)}"
        docker.compose(docker.compose_up(project, file, names), variables)
        how = "new"
    return {"how": how, "replicas": replicas(manifest, service, slot)}


def replicas(manifest: dict[str, Any], service: str, slot: str) -> list[dict[str, Any]]:
    """[{"id", "name", "service", "address", "restarted"}] of what runs in a slot.

    `restarted` is how often Docker has restarted it up to now: one that was long live may have been.
    """
    spec = manifest["services"][service]
    return [
        {
            "id": c["id"],
            "name": c["name"],
            "service": service,
            "restarted": docker.restarts(c["id"]),
            "address": address(
                manifest["subnet"], spec["index"], SLOT_DIGITS[slot], int(c["replica"])
            ),
        }
        for c in docker.containers(service=service, slot=slot)
    ]


def set_restart(service: str, slot: str, policy: str) -> None:
    """Give every replica in a slot the restart policy that fits its part."""
    found = docker.containers(service=service, slot=slot)
    docker.in_parallel(lambda c: docker.set_restart(c["id"], policy), found)


def start(service: str, slot: str) -> None:
    """Start the stopped replicas of a slot again, to stay."""
    found = docker.containers(service=service, slot=slot)
    docker.in_parallel(lambda c: docker.start(c["id"]), found)
    set_restart(service, slot, "unless-stopped")


def revive(state: dict[str, Any], manifests: dict[str, Any], backends: set[str]) -> list[str]:
    """Have the old slots that traffic goes back to run and answer; what does not, a line each.

    They may have been stopped, by settling or by a reboot after their policy was taken.
    """
    from . import gate  # an HTTP client that most acts never need

    dead = []
    for service, held in sorted(state["slots"].items()):
        slot = held["live"]
        if not slot or backend(service, slot) not in backends:
            continue
        start(service, slot)
        spec = manifests.get(held[slot], {}).get("services", {}).get(service)
        if spec is None:
            continue
        manifest = manifests[held[slot]]
        found = docker.in_parallel(
            lambda r, spec=spec, id=manifest["id"]: gate.pass_http(r, spec["health"], id),
            replicas(manifest, service, slot),
        )
        dead += [f"{one['name']}: {one['reason']}" for one in found if not one["passed"]]
        if not found:
            dead.append(f"{backend(service, slot)} has no containers")
    return dead


def stop(at: store.Store, state: dict[str, Any], service: str, slot: str, grace_s: float) -> None:
    """Stop a slot and keep its containers, for a rollback."""
    guard(at, state, service, slot)
    found = [c for c in docker.containers(service=service, slot=slot) if c["running"]]
    docker.in_parallel(lambda c: docker.stop(c["id"], grace_s), found)


def clear(at: store.Store, state: dict[str, Any], service: str, slot: str, grace_s: float) -> None:
    """Stop a slot and remove its containers."""
    stop(at, state, service, slot, grace_s)
    remove(at, state, docker.containers(service=service, slot=slot))


def remove(at: store.Store, state: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """Remove containers of slots, running or not."""
    for service, slot in {(c["service"], c["slot"]) for c in found}:
        guard(at, state, service, slot)
    docker.in_parallel(lambda c: docker.remove(c["id"]), found)
