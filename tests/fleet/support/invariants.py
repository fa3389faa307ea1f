"""What must hold on every host, whatever happened. Pure: observations in, broken rules out.

An observation is what `observe.py` prints. Two kinds of moments:

- always, also in the middle of a run or after a kill: `sacred`, what serves can serve;
- at rest, when no run is going on: `at_rest`, all of the above and that everything agrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Seen = Mapping[str, Any]
SLOTS = ("blue", "green")


def broken(fleet: Mapping[str, Seen], *, at_rest: bool = True) -> list[str]:
    """One line for each rule that a host, or the fleet, breaks; empty when all is well."""
    found = []
    for host, seen in sorted(fleet.items()):
        rules = _at_rest(seen) if at_rest else _sacred(seen)
        found += [f"{host}: {rule}" for rule in rules]
    if at_rest:
        live = {(seen["state"] or {}).get("live") for seen in fleet.values()}
        if len(live) > 1:
            found.append(f"the fleet has {len(live)} releases: {sorted(map(str, live))}")
    return found


def _sacred(seen: Seen) -> Iterator[str]:
    """Every slot that a map names runs with all its replicas and has passed its gate."""
    for backend in sorted({*seen["map"].values(), *seen["runtime"].values()}):
        service, _, slot = backend.rpartition("-")
        mine = _in_slot(seen, service, slot)
        running = [one for one in mine if one["state"] == "running"]
        if not running:
            yield f"the map names {backend}, and nothing runs there"
            continue
        for one in running:
            declared = seen["releases"].get(one["release"], {}).get(service)
            if declared is None:
                yield f"{one['name']} serves, and its release {one['release']} is not kept"
            elif len(running) != declared["replicas"]:
                yield f"{backend}: {len(running)} of {declared['replicas']} replicas run"
            elif one["fingerprint"] != declared["fingerprint"]:
                yield f"{one['name']} is not what its release declares"


def _at_rest(seen: Seen) -> Iterator[str]:
    state = seen["state"]
    if state is None:
        if seen["map"] or seen["containers"]:
            yield "its state is gone while it serves"
        return
    yield from _sacred(seen)
    yield from _state_and_maps(seen, state)
    yield from _containers(seen, state)
    yield from _edge(seen)


def _state_and_maps(seen: Seen, state: Mapping[str, Any]) -> Iterator[str]:
    """Map file, runtime map and recorded state say the same, and no run is open."""
    if state["run"]:
        yield f"run {state['run']['id']} is open in phase {state['run']['phase']}"
    if seen["map"] != seen["runtime"]:
        yield f"the map file says {seen['map']}, the running edge {seen['runtime']}"
    if seen["live"] != state["live"]:
        yield f"the link says {seen['live']} is live, the state {state['live']}"
    ready = "yes" if seen["map"] else "no"
    if state["live"] and seen["pool"].get("ready") != ready:
        yield f"the pool says ready {seen['pool'].get('ready')}, and the map has {seen['map']}"
    wanted = {
        route: f"{name}-{state['slots'][name]['live']}"
        for name, declared in seen["releases"].get(state["live"], {}).items()
        if declared["port"]
        for route in [f"@{name}.internal", *declared["routes"]]
        if state["slots"].get(name, {}).get("live")
    }
    if seen["map"] != wanted:
        yield f"the map says {seen['map']}, the live slots of the release are {wanted}"
    for name, held in state["slots"].items():
        for slot in SLOTS:
            if held[slot] and held[slot] not in seen["releases"]:
                yield f"{name}-{slot} holds {held[slot]}, which is not kept"


def _containers(seen: Seen, state: Mapping[str, Any]) -> Iterator[str]:
    """Nothing is there that no slot accounts for; what is live runs, and a boot starts it alone."""
    for one in seen["containers"]:
        held = state["slots"].get(one["service"], {})
        if held.get(one["slot"]) != one["release"]:
            yield f"{one['name']} ({one['release']}) belongs to no slot"
            continue
        live = held["live"] == one["slot"]
        policy = "unless-stopped" if live else "no"
        if one["policy"] != policy:
            where = "live" if live else "not live"
            yield f"{one['name']} is {where} and has restart policy {one['policy']}"
        if live and one["state"] != "running":
            yield f"{one['name']} is live and {one['state']}"
    for name, held in state["slots"].items():
        slot = held["live"]
        if not slot:
            continue
        declared = seen["releases"].get(held[slot], {}).get(name)
        if declared is None:
            yield f"{name}-{slot} is live, and {held[slot]} does not declare it"
        elif len(_in_slot(seen, name, slot)) != declared["replicas"]:
            yield f"{name}-{slot} is live without its {declared['replicas']} replicas"


def _edge(seen: Seen) -> Iterator[str]:
    """The running edge has loaded what is written, and finds every live server well."""
    loaded = {b: s for b, s in seen["loaded"].items() if b in seen["written"]}
    if loaded != seen["written"]:
        yield f"the edge has loaded {loaded}, written is {seen['written']}"
    for backend in sorted(set(seen["map"].values())):
        for server, said in sorted(seen["checks"].get(backend, {"any": "unknown"}).items()):
            if said != "UP L7OK":
                yield f"the edge sees {backend}/{server} as {said}"


def _in_slot(seen: Seen, service: str, slot: str) -> list[dict[str, Any]]:
    return [c for c in seen["containers"] if (c["service"], c["slot"]) == (service, slot)]
