"""The parameters of each act, as JSON for its host. Pure but for `value`, which resolves a variable.

Secret values are in those of `prepare` and of no other act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from delight import config, controller, decide, reference, renewal
from delight import release as releases
from delight.config import Value
from delight.decide import Outcome, Outcomes
from delight.host import compromised, store

Params = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """What is known when an act is asked for: the plan, what was seen and what was done before."""

    planned: Mapping[str, Any]
    looks: Outcomes
    acts: Mapping[str, Outcomes]
    value: Value

    def mine(self, host: str) -> Mapping[str, Any]:
        """The plan of one host."""
        found: Mapping[str, Any] = self.planned["hosts"][host]
        return found


def end(host: str, looks: Outcomes, value: Value, elsewhere: bool) -> Params:
    """How to end the open run of a host; what the run has ended here may run `elsewhere`."""
    found = base(host, value) | {
        "run": looks[host]["state"]["run"],
        "elsewhere": elsewhere,
        "fleet": sorted(looks),
        "keep": int(value("release_keep")),
        "given_up": config.given_up(value),
    }
    takeover = str(value("takeover"))
    found["recovered_by"] = found["by"]
    return found | ({"takeover": takeover} if takeover else {})


def hold(host: str, kind: str, run: str, look: Outcome, value: Value) -> Params:
    """Whose the host is while an earlier run is ended; `run` names this one."""
    left = look["state"]["run"]
    to = left["to"] if left else None
    return base(host, value) | {"run": {"id": run, "kind": kind, "to": to}}


def evict(host: str, look: Outcome, value: Value) -> Params:
    """Whose process to end on a host that looks so."""
    run = {"id": look["held"]["run"], "kind": look["held"]["kind"], "to": look["held"]["release"]}
    found = base(host, value) | {"run": run, "holder": look["held"]}
    return found | {"recovered_by": found["by"], "takeover": str(value("takeover"))}


def lock(known: Known, host: str) -> Params:
    """What the host must still look like for the plan to hold."""
    state = known.looks[host]["state"]
    return of_run(known, host) | {"live": state["live"], "last": state["last"]}


def export(known: Known, host: str) -> Params:
    """Which release to bring; one whose secrets are compromised may be without them."""
    base, given_up = known.planned["base"], config.given_up(known.value)
    without = compromised.in_release(base, given_up) if base else []
    return of_run(known, host) | {"release": source(known.planned), "without": without}


def prepare(known: Known, host: str) -> Params:
    """The release itself, with its secrets."""
    planned, mine, value = known.planned, known.mine(host), known.value
    manifest = planned["manifest"]
    found = lock(known, host) | {
        "manifest": manifest,
        "backends": mine["backends"],
        "images": sorted({spec["image"] for spec in manifest["services"].values()}),
        "checks": checks(planned, mine),
        "migrations": planned["migrate"] if asks_for_pending(planned, host) else None,
    }
    found["logins"] = logins(found["images"], value)
    secrets = {str(k): str(v) for k, v in (value("secrets") or {}).items()}
    if planned["kind"] == "rollback":
        # Hosts keep its files; an image that is gone is pulled again.
        brought = [one["files"] for one in known.acts.get("export", {}).values()]
        lacks = manifest["id"] not in known.looks[host]["releases"]
        if not (lacks and brought):
            return found
        if base := planned["base"]:
            return found | {"files": renewal.contents(manifest, base, brought[0], secrets)}
        return found | {"files": brought[0]}
    built = releases.Release(manifest, planned["files"])
    return found | {"files": releases.contents(built, secrets)}


def source(planned: Mapping[str, Any]) -> str:
    """The kept release whose files a rollback brings to hosts that have not what it goes to."""
    base = planned["base"]
    return str(base["id"] if base else planned["to"])


def logins(images: list[str], value: Value) -> dict[str, Params]:
    """{image: {"username", "password"}} of those whose registry has a login; no other one gets it."""
    known = config.logins(value)
    found = {image: known.get(reference.split(image)[0]) for image in images}
    return {
        image: {"username": login.username, "password": login.password}
        for image, login in found.items()
        if login and login.username
    }


def asks_for_pending(planned: Mapping[str, Any], host: str) -> bool:
    """Whether preparing this host finds out what is pending; where nothing is, the phase has no more to do."""
    first = min(planned["hosts"])
    usual = planned["kind"] == "deploy" and not planned["skip_gate"]
    return bool(usual and planned["migrate"] and host == first)


def checks(planned: Mapping[str, Any], mine: Mapping[str, Any]) -> list[Params]:
    """[{"service", "argv", "timeout_s"}] of the services that a deploy renews on this host.

    A rollback runs none: it may be the answer to the very outage that a check would find.
    """
    if planned["kind"] != "deploy" or planned["skip_gate"]:
        return []
    services = planned["manifest"]["services"]
    renewed = [one["service"] for one in mine["stage"] + mine["workers"]]
    return [
        {"service": n, "argv": services[n]["check"], "timeout_s": services[n]["check_timeout_s"]}
        for n in renewed
        if services[n]["check"]
    ]


def migrate(known: Known, host: str) -> Params:
    """The migration commands, and whether to run what is pending."""
    planned = known.planned
    return of_run(known, host) | {
        "migrate": planned["migrate"],
        "apply": planned["apply_migrations"],
    }


def stage(known: Known, host: str) -> Params:
    """The slots to start, and whether the gate holds them."""
    gate = not known.planned["skip_gate"]
    return of_run(known, host) | {"stage": known.mine(host)["stage"], "gate": gate}


def switch(known: Known, host: str) -> Params:
    """The map to commit."""
    mine = known.mine(host)
    found = {key: mine[key] for key in ("map", "slots", "gone")}
    found["leave_s"] = known.planned.get("leave_s", 0)
    return of_run(known, host) | found | {"workers": bool(mine["workers"] or mine["ends"])}


def workers(known: Known, host: str) -> Params:
    """The services without a port to move, and those that end here before they start elsewhere."""
    gate, mine = not known.planned["skip_gate"], known.mine(host)
    return of_run(known, host) | {"workers": mine["workers"], "ends": mine["ends"], "gate": gate}


def seal(known: Known, host: str) -> Params:
    """Nothing more than whose run it is."""
    return of_run(known, host)


def settle(known: Known, host: str) -> Params:
    """How many releases to keep, and whether this host alone decides that old slots may stop."""
    keep, given_up = int(known.value("release_keep")), config.given_up(known.value)
    return of_run(known, host) | {
        "keep": keep,
        "given_up": given_up,
        "seal": known.mine(host)["seal"],
        "fleet": sorted(known.looks),
    }


def forget(known: Known, host: str) -> Params:
    """The hosts that have left the fleet."""
    return of_run(known, host) | {"gone": sorted(known.planned["hosts"])}


def undo(known: Known, host: str) -> Params:
    """How the run ends, and whether it is known to be open here."""
    migrated = known.acts.get("migrate", {})
    done = known.planned["kind"] == "migrate" and migrated and not decide.failures(migrated)
    closes = "migrated" if done else "rolled back"
    said = (known.acts.get(act, {}).get(host, {}).get("outcome") for act in ("lock", "prepare"))
    locked = any(word in ("ok", "unfit") for word in said)
    keep = int(known.value("release_keep"))
    elsewhere = bool(decide.failures(known.acts.get("undo", {})))
    found = {"keep": keep, "closes": closes, "locked": locked, "elsewhere": elsewhere}
    return of_run(known, host) | found


def of_run(known: Known, host: str) -> Params:
    """Whose act it is."""
    found = base(host, known.value)
    return found | {"run": known.planned["run"], "release": known.planned["to"]}


def base(host: str, value: Value) -> Params:
    """What every act has: which host it is for, where releases are there, whose they are, and who asks."""
    by = store.owner(controller.me())
    root, environment = str(value("release_root")), str(value("env_name"))
    return {"host": host, "root": root, "environment": environment, "by": by}


ACTS: dict[str, Callable[[Known, str], Params]] = {
    act.__name__: act
    for act in (lock, export, prepare, migrate, stage, switch, workers, seal, settle, undo, forget)
}
