"""Acts `switch`, `seal`, `settle` and `undo`: moving the traffic, and both ways to end a run."""

from __future__ import annotations

import os
import time
from typing import Any

from . import compromised, docker, files, owner, progress, prune, slots, store, told
from .addresses import backend
from .edge import Edge, EdgeError

# A slot whose release is not kept any more: nothing can go back to it, so it is not kept warm.
UNKNOWN = {"port": None, "drain_s": 30.0, "grace_s": 10.0, "warm_s": 0.0}


def switch(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Move all traffic of this host in one map commit, and look whether the new slots stand it."""
    state = at.own(params["run"]["id"])
    edge = Edge(at.root)
    run = state["run"]
    if params["leave_s"]:
        progress.step("is out of the pool, and waits for its last request")
        edge.leave_pool(params["leave_s"])
    after, before = params["map"], edge.read_file() or {}
    edge.prepare_back(before)
    run.update(
        before=before,
        after=after,
        slots=params["slots"],
        gone=params["gone"],
        workers=params["workers"],
    )
    at.phase(state, "switching")
    # From here on a reboot must find the new slots started: the map may name them at any moment.
    for one in run.get("staged", []):
        slots.set_restart(at, one["service"], one["slot"], "unless-stopped")
    try:
        edge.commit(after)
        edge.set_pool(bool(after))
    except EdgeError as error:
        return {"outcome": "failed", "reason": str(error)}
    boot_id, at_s = store.boot()
    at.phase(state, "switched", switched={"boot": boot_id, "at": at_s})
    point_live(at, run["to"])
    for one in run.get("staged", []):
        for replica in docker.containers(at.app, service=one["service"], slot=one["slot"]):
            if death := docker.death(replica["id"], one["restarted"].get(replica["id"], 0)):
                return {
                    "outcome": "failed",
                    "reason": f"{replica['name']}: {death} after the switch",
                }
    how = "the traffic moved in one map commit" if after else "no traffic comes here any more"
    return {"outcome": "ok", "changed": True, "message": how}


def point_live(at: store.Store, release: str | None) -> None:
    """`live` shows people which release serves; nothing decides by it."""
    link = at.root / "live"
    if release is None:
        link.unlink(missing_ok=True)
        return
    temporary = at.root / ".live.new"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(f"releases/{release}")
    os.replace(temporary, link)
    files.sync_folder(at.root)


def seal(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Record the point of no return, before any host stops an old slot."""
    state = at.own(params["run"]["id"])
    at.phase(state, "sealed")
    return {"outcome": "ok", "changed": True}


def settle(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Drain the old slots, keep them warm or stop them, prune, and close the run as released.

    A run to no release leaves nothing here: no container, no release, no image, no history.
    With `params["seal"]` an old slot is stopped now, and this host alone decides that it may be. Of a slot with a
    value of `params["given_up"]` nothing is kept, and such values leave the kept releases too.
    """
    state = at.own(params["run"]["id"])
    edge = Edge(at.root)
    run = state["run"]
    if run["phase"] != "sealed":
        at.phase(state, "sealed" if params.get("seal") else "settling")
    manifests = at.manifests()
    after = run.get("after", edge.read_file() or {})
    if edge.read_runtime() != after:
        # A switch that broke off between the file, which decides, and the running edge.
        edge.commit(after)
        edge.set_pool(bool(after))
    told.follow(at.root, after)
    olds = old_slots(state, run, manifests)
    drained = docker.in_parallel(
        lambda old: drain(edge, run, old), [old for old in olds if old["spec"]["port"]]
    )
    if drained:
        edge.wait_for_old_workers(time.monotonic() + max(old["spec"]["drain_s"] for old in olds))
    state["cool"] = [
        c for c in state["cool"] if backend(c["service"], c["slot"]) not in after.values()
    ]
    given_up = params["given_up"]
    for old in olds:
        if compromised.in_service(old["spec"], given_up):
            old["spec"] = {**old["spec"], "warm_s": 0.0}
        cool_down(at, state, old)
    if run["to"] is None:
        state.update(slots={}, history=[], cool=[])
    for service, slot in run.get("slots", {}).items():
        held = state["slots"].setdefault(service, {"live": None, "blue": None, "green": None})
        if held["live"] != slot or held[slot] is None:
            held[slot] = run["to"]
        held["live"] = slot
    for one in [*run.get("staged", []), *run.get("moved", [])]:
        state["slots"][one["service"]][one["slot"]] = run["to"]
    for service in run.get("gone", []):
        if service in state["slots"]:
            state["slots"][service]["live"] = None
    if run["to"]:
        remember(state, run)
    state["live"] = run["to"]
    state["fleet"] = params["fleet"] if run["to"] else []
    point_live(at, run["to"])
    edge.back_file.unlink(missing_ok=True)
    if run["to"] is None:
        edge.join_pool()
        owner.give_up(at.root)
    at.close(state, "released" if run["to"] else "retired")
    compromised.forget(at, state, given_up)
    pruned = prune.prune(at, state, params["keep"])
    cut = sum(d["cut"] for d in drained)
    message = f"drained, {cut} streams ended at their bound" if cut else "drained"
    return {
        "outcome": "ok",
        "changed": True,
        "message": message,
        "drained": drained,
        "pruned": pruned,
    }


def forget(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Take hosts for gone that have left the fleet with all they had."""
    state = at.load()
    stay = [host for host in state["fleet"] if host not in params["gone"]]
    if stay != state["fleet"]:
        state["fleet"] = stay
        at.save(state)
    return {"outcome": "ok"}


def old_slots(
    state: dict[str, Any], run: dict[str, Any], manifests: dict[str, Any]
) -> list[dict[str, Any]]:
    """[{"service", "slot", "spec"}] that served before this run and do not any more.

    `spec` says how it is drained: of the release that was live, whichever the slot was started for.
    """
    found = []
    routed = set(run.get("before", {}).values())
    was_live = manifests.get(run["from"], {}).get("services", {})
    for service, held in state["slots"].items():
        live = held["live"]
        if live and (
            service in run.get("gone", []) or run.get("slots", {}).get(service, live) != live
        ):
            started = manifests.get(held[live], {}).get("services", {})
            spec = was_live.get(service) or started.get(service) or UNKNOWN
            if spec is UNKNOWN:
                spec = {**UNKNOWN, "port": backend(service, live) in routed}
            found.append({"service": service, "slot": live, "spec": spec})
    return found


def drain(edge: Edge, run: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Wait for the last request of an old slot; its bound counts from the switch."""
    bound_s = old["spec"]["drain_s"]
    boot_id, now_s = store.boot()
    switched = run.get("switched") or {"boot": boot_id, "at": now_s}
    waited_s = now_s - switched["at"] if switched["boot"] == boot_id else bound_s
    name = backend(old["service"], old["slot"])
    progress.step(f"waits for the last requests of {name}")
    return edge.drain({name}, time.monotonic() + max(0.0, bound_s - waited_s))


def cool_down(at: store.Store, state: dict[str, Any], old: dict[str, Any]) -> None:
    """Keep an old slot running for a rollback for its `warm` time, or stop it now."""
    service, slot, spec = old["service"], old["slot"], old["spec"]
    slots.set_restart(at, service, slot, "no")
    if not spec["port"]:
        # Others were stopped when their successors took over.
        if service in state["run"].get("gone", []):
            slots.stop(at, state, service, slot, spec["grace_s"])
        return
    slots.guard(at, state, service, slot)
    if spec["warm_s"] <= 0 or state["run"]["to"] is None:
        Edge(at.root).wait_for_old_workers(time.monotonic() + spec["drain_s"])
        slots.stop(at, state, service, slot, spec["grace_s"])
        return
    boot_id, now_s = store.boot()
    state["cool"].append(
        {"service": service, "slot": slot, "at": now_s + spec["warm_s"], "boot": boot_id}
    )


def remember(state: dict[str, Any], run: dict[str, Any]) -> None:
    """The history that a bare rollback chooses from; the release it leaves is no longer a target.

    One whose gate was skipped is none either, unless it passed it at another time.
    """
    was_good = any(e["good"] for e in state["history"] if e["release"] == run["to"])
    good = was_good or not run.get("skip_gate", False)
    history = [entry for entry in state["history"] if entry["release"] != run["to"]]
    for entry in history:
        if run["kind"] == "rollback" and entry["release"] == run["from"]:
            entry["good"] = False
    state["history"] = [*history, {"release": run["to"], "good": good, "since": store.now()}]


def undo(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Put this host back as it was before the run, wherever the run stood. Safe to repeat.

    With `params["locked"]` the run was open here: if it is not any more, somebody else has ended it.
    `live` of the outcome is what this host serves now.
    """
    state = at.load()
    closes = params.get("closes", "rolled back")
    if state["run"] is None or state["run"]["id"] != params["run"]["id"]:
        last = state["last"] or {}
        done = (last.get("id"), last.get("outcome")) == (params["run"]["id"], closes)
        if params.get("locked") and not done:
            raise store.Refused("fenced", store.taken_over(state, params["run"]["id"]))
        return {"outcome": "ok", "message": "nothing of this run is open", "live": state["live"]}
    edge = Edge(at.root)
    run = state["run"]
    before, message = run.get("before"), "nothing had moved"
    if before is not None and run["phase"] != "locked":
        if edge.read_file() != before or edge.read_runtime() != before:
            if dead := slots.revive(at, state, at.manifests(), set(before.values())):
                return {"outcome": "failed", "reason": f"the traffic stays: {'; '.join(dead)}"}
            edge.commit_back(before)
            edge.set_pool(bool(before))
            message = "the traffic moved back"
        told.follow(at.root, before)
        point_live(at, state["live"])
        # Settling may have taken the old slots' policy already; a reboot must start them again.
        for service, held in state["slots"].items():
            if held["live"]:
                slots.set_restart(at, service, held["live"], "unless-stopped")
    if run["kind"] == "retire":
        edge.join_pool()
    at.phase(state, "undoing")
    manifest = at.manifests().get(run["to"])
    for one in run.get("moved", []):
        take_back_worker(at, state, one, manifest)
    for one in run.get("staged", []):
        take_back_slot(at, state, one, manifest)
    for service in run.get("ended", []):
        take_back_end(at, state, service, elsewhere=params.get("elsewhere", False))
    at.close(state, closes)
    if closes == "rolled back":
        prune.prune(at, state, params["keep"])
    return {"outcome": "ok", "changed": True, "message": message, "live": state["live"]}


def take_back_worker(
    at: store.Store, state: dict[str, Any], one: dict[str, Any], manifest: dict[str, Any] | None
) -> None:
    """Remove the new worker, start the old one again."""
    grace_s = manifest["services"][one["service"]]["grace_s"] if manifest else 10
    slots.clear(at, state, one["service"], one["slot"], grace_s)
    state["slots"][one["service"]][one["slot"]] = None
    if one["old"]:
        was = at.manifests().get(state["slots"][one["service"]][one["old"]])
        slots.start_again(at, was, one["service"], one["old"])


def take_back_end(at: store.Store, state: dict[str, Any], service: str, elsewhere: bool) -> None:
    """Start a service again that was to run on another host; not where nobody knows that it ended there."""
    held = state["slots"][service]
    if elsewhere:
        slots.set_restart(at, service, held["live"], "no")
        held["live"] = None
        return
    slots.start_again(at, at.manifests().get(held[held["live"]]), service, held["live"])


def take_back_slot(
    at: store.Store, state: dict[str, Any], one: dict[str, Any], manifest: dict[str, Any] | None
) -> None:
    """Remove a staged slot once its last request has ended; a slot that was kept stays kept."""
    service, slot = one["service"], one["slot"]
    slots.guard(at, state, service, slot)
    edge = Edge(at.root)
    spec = manifest["services"][service] if manifest else {"drain_s": 5, "grace_s": 10}
    name = backend(service, slot)
    if any(row["pxname"] == name for row in edge.servers()):
        edge.drain({name}, time.monotonic() + spec["drain_s"])
    if one.get("how") == "warm":
        slots.set_restart(at, service, slot, "no")
    elif one.get("how") == "cold":
        slots.set_restart(at, service, slot, "no")
        slots.stop(at, state, service, slot, spec["grace_s"])
    else:
        slots.clear(at, state, service, slot, spec["grace_s"])
        state["slots"][service][slot] = None
