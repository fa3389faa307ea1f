"""The plan: what every host has to do to serve a release. Pure: looks in, plan out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from delight import render, renewal
from delight.host.addresses import MAX_INDEX, app_of, backend, internal, other
from delight.host.compromised import GivenUp, in_service
from delight.service import Service

Looks = Mapping[str, Mapping[str, Any]]
NOTHING: GivenUp = MappingProxyType({})


class Impossible(ValueError):
    """The plan is refused; one line a reason, each with its way out."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = list(reasons)


def allocate(names: Mapping[str, Service], looks: Looks) -> dict[str, int]:
    """{service: index in the subnet}; a service keeps the index that any kept release gave it.

    So a kept release can come back at its own addresses whatever was added or removed since.
    """
    taken: dict[str, int] = {}
    for look in looks.values():
        for manifest in look["releases"].values():
            for name, spec in manifest["services"].items():
                taken.setdefault(name, spec["index"])
    free = (n for n in range(1, MAX_INDEX + 1) if n not in taken.values())
    return {name: taken.get(name) or next(free) for name in sorted(names)}


def placed(manifest: Mapping[str, Any], host: str, hosts: list[str]) -> dict[str, Any]:
    """The services of a release that run on `host`; a singleton runs on the first by name."""
    first = min(hosts)
    return {
        name: spec
        for name, spec in manifest["services"].items()
        if not spec["singleton"] or host == first
    }


def plan_host(
    manifest: Mapping[str, Any],
    look: Mapping[str, Any],
    host: str,
    hosts: list[str],
    given_up: GivenUp = NOTHING,
) -> dict[str, Any]:
    """What `host` has to do; values of secrets that are `given_up` leave it.

    {"stage": [{"service", "slot"}], "workers": […], "slots": {service: slot that will be live},
    "gone": [services that end], "ends": [those of them that end before they start on another host], "map": {…},
    "backends": text, "changes": [line for a person]}
    """
    state = look["state"]
    wanted = placed(manifest, host, hosts)
    stage: list[dict[str, str]] = []
    workers: list[dict[str, str]] = []
    changes: list[str] = []
    slots: dict[str, str] = {}
    for name, spec in sorted(wanted.items()):
        live = state["slots"].get(name, {}).get("live")
        reason = why_new(name, spec, live, look)
        if live and not reason:
            slots[name] = live
            continue
        slots[name] = other(live)
        (stage if spec["port"] else workers).append({"service": name, "slot": slots[name]})
        changes.append(f"{name}: new slot {slots[name]} ({reason})")
    gone = sorted(n for n, s in state["slots"].items() if s["live"] and n not in wanted)
    changes += [f"{name}: ends" for name in gone]
    routes = {
        route: backend(name, slots[name])
        for name, spec in sorted(wanted.items())
        if spec["port"]
        for route in [internal(name), *spec["routes"]]
    }
    if routes != look["map"]["file"]:
        changes.append("edge: other routes or slots")
    elif look["map"]["runtime"] != look["map"]["file"]:
        changes.append("edge: its running map is not the one in the file")
    if state["live"] != manifest["id"]:
        changes.append(f"release: {state['live'] or 'none'} → {manifest['id']}")
    occupants = occupied(slots, wanted, look)
    subnet = manifest["subnet"]
    config = render.backends(render.edge_slots(occupants, subnet, app_of(manifest)), subnet)
    if stale := stale_backends(config, look):
        changes.append(f"edge: other settings of {', '.join(stale)}")
    elif not look["backends"]["loaded"]:
        changes.append("edge: it has not loaded the backends in the file")
    for kept, names in renewal.to_forget(look, given_up).items():
        changes.append(f"{kept}: loses {', '.join(names)}, which is compromised")
    return {
        "stage": stage,
        "workers": workers,
        "slots": slots,
        "gone": gone,
        "ends": [name for name in gone if is_alone(manifest["services"].get(name))],
        "map": routes,
        "backends": config,
        "seal": any(
            stops_at_once(old, gone, look, given_up) for old in replaced(slots, gone, state)
        ),
        "changes": changes,
    }


def leave(look: Mapping[str, Any]) -> dict[str, Any]:
    """What a host has to do to serve nothing and keep nothing; the shape is that of `plan_host`."""
    state = look["state"]
    gone = sorted(name for name, held in state["slots"].items() if held["live"])
    alone = {
        name
        for manifest in look["releases"].values()
        for name, spec in manifest["services"].items()
        if spec["singleton"]
    }
    changes = [f"{name}: ends" for name in gone if name not in alone]
    changes += [
        f"{name}: ends, and runs nowhere before the next deploy starts it on another host"
        for name in gone
        if name in alone
    ]
    if kept := len(look["releases"]):
        changes.append(f"kept releases go: {kept}")
    elif any(c["slot"] for c in look["containers"]) or state["images"]:
        changes.append("what an earlier run has left goes")
    elif look["environment"] and not changes:
        changes.append("the host is free for another environment")
    return {
        **{"stage": [], "workers": [], "slots": {}, "gone": gone, "ends": [], "map": {}},
        **{"seal": True, "changes": changes},
    }


def is_alone(spec: Mapping[str, Any] | None) -> bool:
    """Whether a service must never run twice in the fleet, not for a moment."""
    return bool(spec and spec["singleton"] and not spec["port"] and not spec["overlap"])


def doubled(manifest: Mapping[str, Any], plans: Mapping[str, Any], everyone: Looks) -> list[str]:
    """What would run twice because a host that runs it takes no part, one line each with the way out."""
    starts = {one["service"] for plan in plans.values() for one in plan["workers"]}
    return [
        f"{name} runs on {host} and must run once: it cannot start elsewhere in a run without {host}; take "
        f"{host} into --limit"
        for name in sorted(starts)
        if is_alone(manifest["services"][name])
        for host, look in sorted(everyone.items())
        if host not in plans
        and look["outcome"] == "ok"
        and look["state"]["slots"].get(name, {}).get("live")
    ]


def left(everyone: Looks) -> list[str]:
    """Hosts that hosts of the fleet have served with, and that the inventory does not name any more."""
    known = {
        name
        for look in everyone.values()
        if look["outcome"] == "ok"
        for name in look["state"]["fleet"]
    }
    return sorted(known - everyone.keys())


def why_new(name: str, spec: Mapping[str, Any], live: str | None, look: Mapping[str, Any]) -> str:
    """Why a service needs a new slot here, or nothing: its live slot is right and runs."""
    if live is None:
        return "not running yet"
    held = look["state"]["slots"][name][live]
    old = look["releases"].get(held, {}).get("services", {}).get(name)
    if old is None:
        return f"release {held} of its slot is not kept"
    if old["image"] != spec["image"]:
        return "other image"
    if old["secrets"] != spec["secrets"]:
        changed = {k for k in old["secrets"].keys() | spec["secrets"].keys()}
        changed = {k for k in changed if old["secrets"].get(k) != spec["secrets"].get(k)}
        return f"other secret {', '.join(sorted(changed))}"
    if old["fingerprint"] != spec["fingerprint"]:
        return "other settings"
    running = [
        c for c in look["containers"] if c["service"] == name and c["slot"] == live and c["running"]
    ]
    if len(running) != spec["replicas"]:
        return f"{len(running)} of {spec['replicas']} replicas run"
    return ""


def replaced(
    slots: Mapping[str, str], gone: list[str], state: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """[(service, slot)] that are live now and will not be."""
    return [
        (name, held["live"])
        for name, held in state["slots"].items()
        if held["live"] and (name in gone or slots.get(name) != held["live"])
    ]


def stops_at_once(
    old: tuple[str, str], gone: list[str], look: Mapping[str, Any], given_up: GivenUp
) -> bool:
    """Whether settling stops this slot, so that no way back is warm any more.

    Nothing is kept of one that has a compromised secret. Without a port only one that ends: others were
    stopped when their successors took over.
    """
    name, slot = old
    held = look["state"]["slots"][name][slot]
    spec = look["releases"].get(held, {}).get("services", {}).get(name)
    if spec is None:
        return True  # nothing can go back to it
    if in_service(spec, given_up):
        return True
    if not spec["port"]:
        return name in gone
    return bool(spec["warm_s"] <= 0)


def occupied(
    slots: Mapping[str, str], wanted: Mapping[str, Any], look: Mapping[str, Any]
) -> dict[tuple[str, str], Any]:
    """{(service, slot): spec} for every slot the edge must know: what is there or will be.

    `slots` says where each wanted service will be live: there it is as the release wants it, whether the
    slot is new or stays. Both slots of a service are always known, and kept services stay known, so that
    neither a new version nor a rollback changes the edge's configuration.
    """
    found: dict[tuple[str, str], Any] = {}
    for name, held in look["state"]["slots"].items():
        for slot in ("blue", "green"):
            spec = look["releases"].get(held[slot], {}).get("services", {}).get(name)
            if spec and spec["port"]:
                found[name, slot] = spec
    for name, spec in wanted.items():
        if spec["port"]:
            for slot in ("blue", "green"):
                if slot == slots[name] or (name, slot) not in found:
                    found[name, slot] = spec
    return found


def stale_backends(config: str, look: Mapping[str, Any]) -> list[str]:
    """The backends that the file of a host lacks or has otherwise; more than is needed is no harm."""
    have = render.blocks(look["backends"]["file"])
    return [name for name, block in render.blocks(config).items() if have.get(name) != block]


def plan_fleet(
    manifest: Mapping[str, Any],
    looks: Looks,
    everyone: Iterable[str] = (),
    given_up: GivenUp = NOTHING,
) -> dict[str, Any]:
    """{host: plan} of the hosts in `looks`; `everyone` names all of the environment, if there are more."""
    hosts = sorted({*looks, *everyone})
    return {host: plan_host(manifest, looks[host], host, hosts, given_up) for host in sorted(looks)}


def changes_nothing(plans: Mapping[str, Any]) -> bool:
    """Whether every host is as its plan wants it."""
    return not any(one["changes"] for one in plans.values())


def rollback_target(looks: Looks, release: str | None, becomes: Callable[[str], str] = str) -> str:
    """The release a rollback goes to: `release`, or the newest good one before the live one.

    Raises Impossible where there is none. A host that does not keep it, as one that joined later, is
    brought along from one that does. `becomes` says as which release one of them comes back.
    """
    live = {look["state"]["live"] for look in looks.values()}
    if release is None:
        if live == {None}:
            raise Impossible("nothing is deployed here yet, so there is nothing to go back to")
        release = newest_good(looks, live, becomes)
    kept = {r for look in looks.values() for r in look["releases"]}
    if release not in kept:
        raise Impossible(
            f"release {release} is not kept; kept are: {', '.join(sorted(kept)) or 'none'}"
        )
    return release


def newest_good(looks: Looks, live: set[str | None], becomes: Callable[[str], str] = str) -> str:
    """The newest release that is good for the whole fleet and is not its live one.

    Every host must hold it as good, but for those that joined after it: they are brought along. A mixed
    fleet has no live one: there it may be what a part of it serves already.
    """
    histories = [look["state"]["history"] for _, look in sorted(looks.items())]
    kept = {release for look in looks.values() for release in look["releases"]}
    not_this = live if len(live - {None}) == 1 else set()
    for entry in reversed(max(histories, key=len)):
        release = entry["release"]
        if release not in kept or {release, becomes(release)} & not_this:
            continue
        if all(approves(h, entry) for h in histories):
            return str(release)
    raise Impossible(
        f"there is no good release before {', '.join(sorted(r or 'none' for r in live))} to go back to; "
        "choose a kept one with -e release=<id> (status.yml lists them)"
    )


def approves(history: Sequence[Mapping[str, Any]], entry: Mapping[str, Any]) -> bool:
    """Whether a host with this history holds the release of `entry` as good, or joined after it."""
    for mine in history:
        if mine["release"] == entry["release"]:
            return bool(mine["good"])
    return not history or history[0]["since"] > entry["since"]
