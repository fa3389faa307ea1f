"""Slots on this host: starting, stopping and removing what runs in them."""

from __future__ import annotations

from typing import Any

from . import docker, ending, serving, store, told
from .addresses import SLOT_DIGITS, address, backend, host_label
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
    found = docker.containers(at.app, service=service, slot=slot)
    same = len(found) == spec["replicas"] and all(
        (c["release"], c["fingerprint"]) == (manifest["id"], spec["fingerprint"]) for c in found
    )
    if same:
        how = "warm" if all(c["running"] for c in found) else "cold"
        docker.in_parallel(lambda c: docker.start(c["id"]), [c for c in found if not c["running"]])
    else:
        clear(at, state, service, slot, spec["grace_s"])
        create(at, manifest, service, slot, list(range(1, spec["replicas"] + 1)))
        how = "new"
    return {"how": how, "replicas": replicas(at, manifest, service, slot)}


def create(
    at: store.Store, manifest: dict[str, Any], service: str, slot: str, numbers: list[int]
) -> None:
    """Make and start the replicas of a service that have these numbers, as its release says."""
    name = backend(service, slot)
    variables = {"RELEASE": manifest["id"], "HOST": host_label(at.host)}
    if manifest["layout"] < store.RELEASE_LAYOUT:
        variables |= {"SLOT": slot, "SLOT_DIGIT": SLOT_DIGITS[slot]}
        name = service
    if manifest["services"][service]["port"]:
        told.begin(at.root, backend(service, slot))
    file = at.releases / manifest["id"] / "compose.yml"
    names = [f"{name}-{n}" for n in numbers]
    project = f"{at.app}-{backend(service, slot)}"
    docker.compose(docker.compose_up(project, file, names), variables)


def replicas(
    at: store.Store, manifest: dict[str, Any], service: str, slot: str
) -> list[dict[str, Any]]:
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
        for c in docker.containers(at.app, service=service, slot=slot)
    ]


def set_restart(at: store.Store, service: str, slot: str, policy: str) -> None:
    """Give every replica in a slot the restart policy that fits its part."""
    found = docker.containers(at.app, service=service, slot=slot)
    docker.in_parallel(lambda c: docker.set_restart(c["id"], policy), found)


def start_again(at: store.Store, manifest: dict[str, Any] | None, service: str, slot: str) -> None:
    """Have an old slot run again, to stay; replicas that somebody has removed are made anew.

    Without its release's manifest only what is there can be started.
    """
    found = docker.containers(at.app, service=service, slot=slot)
    if manifest:
        there = {int(c["replica"]) for c in found}
        every = range(1, manifest["services"][service]["replicas"] + 1)
        if missing := [number for number in every if number not in there]:
            create(at, manifest, service, slot, missing)
    docker.in_parallel(lambda c: docker.start(c["id"]), found)
    set_restart(at, service, slot, "unless-stopped")


def revive(
    at: store.Store, state: dict[str, Any], manifests: dict[str, Any], backends: set[str]
) -> list[str]:
    """Have the old slots that traffic goes back to run and answer; what does not, a line each.

    They may have been stopped, by settling, by a reboot after their policy was taken, or by hand.
    """
    from . import gate  # an HTTP client that most acts never need

    dead = []
    for service, held in sorted(state["slots"].items()):
        slot = held["live"]
        if not slot or backend(service, slot) not in backends:
            continue
        manifest = manifests.get(held[slot])
        start_again(at, manifest, service, slot)
        if manifest is None:
            continue
        spec = manifest["services"][service]
        found = docker.in_parallel(
            lambda r, spec=spec, id=manifest["id"]: gate.pass_http(r, spec["health"], id),
            replicas(at, manifest, service, slot),
        )
        dead += [f"{one['name']}: {one['reason']}" for one in found if not one["passed"]]
        if not found:
            dead.append(f"{backend(service, slot)} has no containers")
    return dead


def stop(at: store.Store, state: dict[str, Any], service: str, slot: str, grace_s: float) -> None:
    """Stop a slot and keep its containers, for a rollback."""
    guard(at, state, service, slot)
    # One that the engine is about to start again does not run, and has to be stopped.
    found = [c for c in docker.containers(at.app, service=service, slot=slot) if not c["stopped"]]
    docker.in_parallel(lambda c: ending.end(c["id"], grace_s), found)


def clear(at: store.Store, state: dict[str, Any], service: str, slot: str, grace_s: float) -> None:
    """Stop a slot and remove its containers."""
    stop(at, state, service, slot, grace_s)
    remove(at, state, docker.containers(at.app, service=service, slot=slot))


def remove(at: store.Store, state: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """Remove containers of slots, running or not."""
    for service, slot in {(c["service"], c["slot"]) for c in found}:
        guard(at, state, service, slot)
    docker.in_parallel(lambda c: docker.remove(c["id"]), found)
    for service, slot in {(c["service"], c["slot"]) for c in found}:
        told.forget(at.root, backend(service, slot))
