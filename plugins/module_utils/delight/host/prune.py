"""What is kept on a host, and what goes: only what carries our label or lies in our folder."""

from __future__ import annotations

import shutil
from typing import Any

from . import docker, images, serving, slots, store
from .addresses import backend
from .edge import Edge, EdgeError


def prune(at: store.Store, state: dict[str, Any], keep: int) -> list[str]:
    """Remove releases beyond the newest `keep`, their images, and containers of no slot.

    Never what serves, never what a slot holds, never the target of a bare rollback. Nothing goes where
    the edge does not say what serves. An image that something uses is tried again the next time.
    Returns the ids that went.
    """
    try:
        serves = serving.named(Edge(at.root), state)
    except EdgeError:
        return []
    newest = {entry["release"] for entry in state["history"][-keep:]} | target(state)
    forget(state, newest)
    found = [c for c in docker.containers(at.app) if c["slot"] in store.SLOTS]
    strays = [c for c in found if is_stray(c, state, serves)]
    manifests = at.manifests()
    held = {slot[name] for slot in state["slots"].values() for name in store.SLOTS if slot[name]}
    kept = {state["live"], *newest, *held} | {c["release"] for c in found if c not in strays}
    gone = [release for release in at.kept() if release not in kept]
    state["history"] = [entry for entry in state["history"] if entry["release"] in kept]
    needed = images_of(manifests, kept)
    state["forgotten"] = {one: n for one, n in state["forgotten"].items() if one in kept}
    state["images"] = sorted({*state["images"], *images_of(manifests, set(gone))} - needed)
    at.save(state)
    for release in gone:
        shutil.rmtree(at.releases / release)
    slots.remove(at, state, strays)
    left = [image for image in state["images"] if not images.remove(image)]
    if left != state["images"]:
        state["images"] = left
        at.save(state)
    for leftover in at.releases.glob(".*.new"):
        shutil.rmtree(leftover, ignore_errors=True)
    return gone


def target(state: dict[str, Any]) -> set[str]:
    """The release that a bare rollback would go to, if there is one."""
    good = [entry["release"] for entry in state["history"] if entry["good"]]
    return set([release for release in good if release != state["live"]][-1:])


def images_of(manifests: dict[str, Any], releases: set[str]) -> set[str]:
    """The images of those of `releases` that have a manifest."""
    found = releases & manifests.keys()
    return {spec["image"] for one in found for spec in manifests[one]["services"].values()}


def forget(state: dict[str, Any], newest: set[str]) -> None:
    """Let go of what slots hold of a service that no release has any more, if it is too old.

    No deploy comes to such a slot again: without this its release would stay for ever.
    """
    for service, held in list(state["slots"].items()):
        for slot in store.SLOTS:
            if not held["live"] and held[slot] not in newest:
                held[slot] = None
        if not any(held.values()):
            del state["slots"][service]
    state["cool"] = [
        c for c in state["cool"] if state["slots"].get(c["service"], {}).get(c["slot"])
    ]


def is_stray(container: dict[str, Any], state: dict[str, Any], serves: set[str]) -> bool:
    """Whether no slot of the state accounts for a container, and it does not serve either."""
    service, slot = container["service"], container["slot"]
    held = state["slots"].get(service, {}).get(slot)
    return held != container["release"] and backend(service, slot) not in serves


def sweep(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Stop the warm slots whose time is over; the host's own timer runs this, between runs only."""
    state = at.load()
    if state["run"] is not None or not state["cool"]:
        return {"outcome": "ok"}
    manifests = at.manifests()
    boot_id, now_s = store.boot()
    over = [c for c in state["cool"] if c["boot"] != boot_id or c["at"] <= now_s]
    for one in over:
        if state["slots"][one["service"]]["live"] != one["slot"]:
            held = state["slots"][one["service"]][one["slot"]]
            spec = manifests.get(held, {}).get("services", {}).get(one["service"], {"grace_s": 10})
            slots.stop(at, state, one["service"], one["slot"], spec["grace_s"])
    state["cool"] = [c for c in state["cool"] if c not in over]
    at.save(state)
    names = [backend(one["service"], one["slot"]) for one in over]
    return {"outcome": "ok", "changed": bool(over), "message": f"stopped {', '.join(names)}"}
