"""Acts `stage` and `workers`: start the new slots and hold them to the gate."""

from __future__ import annotations

import time
from typing import Any

from . import docker, gate, redact, slots, store
from .addresses import backend
from .edge import Edge, EdgeError

EDGE_POLL_S = 0.02
# What the edge gets at least, however late the gate was passed: a check that it sent to an address
# nobody had yet takes its whole timeout (2 s by default).
EDGE_PATIENCE_S = 5.0


def stage(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Start every new slot with a port, gate each replica, wait until the edge sees it too.

    `params["stage"]` is [{"service", "slot"}]; without `params["gate"]` the replicas only have to stay up.
    No traffic moves here, whatever happens.
    """
    state = at.own(params["run"]["id"])
    manifest = at.manifest(params["release"])
    edge = Edge(at.root)
    todo = params["stage"]
    for one in todo:
        slots.guard(at, state, one["service"], one["slot"])
        held = state["slots"].setdefault(
            one["service"], {"live": None, "blue": None, "green": None}
        )
        one["was"] = held[one["slot"]]
    at.phase(state, "staging", staged=todo)
    began = time.monotonic()
    try:
        up = docker.in_parallel(
            lambda one: slots.bring_up(at, state, manifest, one["service"], one["slot"]), todo
        )
    except docker.DockerError as error:
        return failed(at, manifest, f"the new slot could not be started: {error}", [])
    for one, result in zip(todo, up, strict=True):
        one["how"] = result["how"]
        one["restarted"] = {replica["id"]: replica["restarted"] for replica in result["replicas"]}
    started_s = time.monotonic() - began
    at.phase(state, "staging", staged=todo)
    waiting = [replica for result in up for replica in result["replicas"]]

    def through(replica: dict[str, Any]) -> dict[str, Any]:
        health = manifest["services"][replica["service"]]["health"]
        if not params["gate"]:
            return gate.skip(replica, health)
        return gate.pass_http(replica, health, manifest["id"])

    verdicts = docker.in_parallel(through, waiting)
    sick = [v for v in verdicts if not v["passed"]]
    if sick:
        return failed(at, manifest, "", sick)
    backends = {backend(one["service"], one["slot"]) for one in todo}
    deadline = max(began + longest(manifest, todo), time.monotonic() + EDGE_PATIENCE_S)
    try:
        unready = wait_for_edge(edge, backends, deadline if params["gate"] else began)
    except EdgeError as error:
        return failed(at, manifest, str(error), [])
    # Healthy once is not enough: each must still be in the life that the gate has seen.
    dead = [
        {**verdict, "event": "exited", "reason": reason}
        for verdict, replica in zip(verdicts, waiting, strict=True)
        if (reason := docker.death(replica["id"], replica["restarted"]))
    ]
    if dead or (unready and params["gate"]):
        reason = f"the edge does not see it as healthy: {', '.join(unready)}" if unready else ""
        return failed(at, manifest, reason, dead)
    at.phase(state, "staged")
    gate_s = max((v["seconds"] for v in verdicts), default=0.0)
    how = f"passed the gate in {gate_s:.1f} s" if params["gate"] else "run; the gate was skipped"
    return {
        "outcome": "ok",
        "changed": True,
        "message": f"{len(verdicts)} replicas {how}",
        "seconds": {
            "start": round(started_s, 3),
            "gate": gate_s,
            "all": round(time.monotonic() - began, 3),
        },
    }


def longest(manifest: dict[str, Any], todo: list[dict[str, Any]]) -> float:
    """The largest gate timeout of the staged services, in seconds."""
    times = [manifest["services"][one["service"]]["health"]["timeout_s"] for one in todo]
    return float(max(times, default=0.0))


def wait_for_edge(edge: Edge, backends: set[str], deadline: float) -> list[str]:
    """Wait for a check of every new server that was really answered; what is missing at the end.

    HAProxy 3.0 calls a server UP while its first check is still out.
    """
    while unready := edge.unready(backends) if backends else []:
        if time.monotonic() >= deadline:
            return unready
        time.sleep(EDGE_POLL_S)
    return []


def failed(
    at: store.Store, manifest: dict[str, Any], reason: str, sick: list[dict[str, Any]]
) -> dict[str, Any]:
    """The outcome of a failed gate, with what a person needs to see and no secret in it."""
    secrets = redact.of_release(at.releases / manifest["id"])
    shown = []
    for one in sick:
        proof = gate.evidence(one["id"])
        shown.append(
            {
                "name": one["name"],
                "event": one["event"],
                "reason": redact.redact(one["reason"], secrets),
                "answer": redact.excerpt(one["answer"], secrets),
                "logs": [redact.redact(line, secrets) for line in proof["logs"]],
                "health_log": [redact.excerpt(text, secrets) for text in proof["health_log"]],
            }
        )
    why = reason or "; ".join(f"{s['name']}: {s['reason']}" for s in shown)
    return {"outcome": "failed", "reason": redact.redact(why, secrets), "sick": shown}


def workers(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """Move the services without a port, after the traffic: stop old, start new, gate.

    `params["ends"]` are services that end here, to start on another host afterwards. `params["workers"]` is
    [{"service", "slot"}]; with `overlap` the old one stops last, and without
    `params["gate"]` the new one only has to stay up.
    """
    state = at.own(params["run"]["id"])
    manifest = at.manifest(params["release"])
    at.phase(state, "moving")
    for service in params["ends"]:
        live = state["slots"][service]["live"]
        at.phase(state, "moving", ended=[*state["run"].get("ended", []), service])
        slots.set_restart(at, service, live, "no")
        slots.stop(at, state, service, live, manifest["services"][service]["grace_s"])
    for one in params["workers"]:
        service, slot = one["service"], one["slot"]
        spec = manifest["services"][service]
        held = state["slots"].setdefault(service, {"live": None, "blue": None, "green": None})
        old = held["live"]
        moved = {**one, "old": old, "was": held[slot]}
        at.phase(state, "moving", moved=[*state["run"].get("moved", []), moved])
        if old and not spec["overlap"]:
            slots.set_restart(at, service, old, "no")
            slots.stop(at, state, service, old, spec["grace_s"])
        try:
            result = slots.bring_up(at, state, manifest, service, slot)
        except docker.DockerError as error:
            return failed(at, manifest, f"{service} could not be started: {error}", [])
        verdicts = docker.in_parallel(
            lambda r, health=spec["health"]: (
                gate.pass_worker(r, health) if params["gate"] else gate.skip(r, health)
            ),
            result["replicas"],
        )
        if sick := [v for v in verdicts if not v["passed"]]:
            return failed(at, manifest, "", sick)
        slots.set_restart(at, service, slot, "unless-stopped")
        if old and spec["overlap"]:
            slots.set_restart(at, service, old, "no")
            slots.stop(at, state, service, old, spec["grace_s"])
    at.phase(state, "moved")
    done = [f"ended {name}" for name in params["ends"]]
    done += [f"moved {one['service']}" for one in params["workers"]]
    return {"outcome": "ok", "changed": True, "message": ", ".join(done)}
