"""The plan of a run, and how to end an earlier one: configuration and looks in, decision out.

`ask` brings what is wanted, by the registry's and git's word; no host is asked.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from delight import config, controller, decide, plan, preflight, renewal
from delight.config import Value
from delight.decide import Outcomes, Recovery
from delight.errors import ConfigError
from delight.host import compromised, store
from delight.registry import RegistryError
from delight.version import NoVersion
from delight.wanted import Wanted, build

Ask = Callable[[], Wanted]


def recovery(kind: str, looks: Outcomes, value: Value, ask: Ask) -> Recovery:
    """How to end what an earlier run left open, before anything new begins."""
    wanted = None
    if owned(looks) and kind in ("deploy", "rollback"):
        try:
            wanted = _target(kind, decide.seen(looks), value, ask)["id"]
        except (ConfigError, RegistryError, NoVersion, plan.Impossible):
            wanted = None  # what is wanted is not known; the plan will say why
    return decide.recovery(looks, wanted)


def owned(looks: Outcomes) -> set[str]:
    """The owners of the runs that are open, or that hold a host; a host's own timer is none."""
    seen = decide.seen(looks).values()
    held = {look["held"]["by"] for look in seen if look["held"] and look["held"]["run"]}
    return held | {store.owner(look["state"]["run"]["by"]) for look in seen if look["state"]["run"]}


def no_owner(named: str, looks: Outcomes) -> str:
    """Why there is nothing to take over from whoever is named; empty where there is."""
    owners = owned(looks)
    if named in owners:
        return ""
    holds = f"open are runs by {', '.join(sorted(owners))}" if owners else "no run is open"
    return f"takeover: does not name the owner of an open run; {holds}"


def planned(
    kind: str, looks: Outcomes, everyone: Outcomes, value: Value, ask: Ask
) -> dict[str, Any]:
    """Compare what is wanted with what is live; `outcome` is go, unchanged or refused.

    `looks` are of the hosts that the run is for, `everyone` of all hosts of the environment.
    """
    try:
        if kind == "retire":
            return retirement(looks, everyone, config.settings(value).retire_drain_s)
        options = config.options(value)
        base: dict[str, Any] | None = None
        if kind == "rollback":
            base, manifest = _back(looks, value)
            files: dict[str, str] = {}
        else:
            built = build(value, looks, ask())
            manifest, files = built.manifest, built.files
        given_up = config.given_up(value)
        plans = plan.plan_fleet(manifest, looks, everyone, given_up)
        if kind == "migrate":
            todo = {"stage": [], "workers": [], "ends": [], "seal": False}
            plans = {host: one | todo for host, one in plans.items()}
        elif plan.changes_nothing(plans):
            same = manifest["id"]
            found = {"outcome": "unchanged", "to": same, "live": same, "kind": kind}
            return found | {"notes": who_left(everyone)}
        if twice := plan.doubled(manifest, plans, everyone):
            raise plan.Impossible(*twice)
        if lacks := preflight.lacks(manifest, plans, looks, config.settings(value)):
            raise plan.Impossible(*lacks)
        mixed = "" if options.allow_mixed else limited(looks, everyone, manifest["id"])
    except ConfigError as error:
        return refused({"configuration": "; ".join(error.mistakes)})
    except (RegistryError, NoVersion, plan.Impossible) as error:
        return refused({"plan": str(error)})
    if mixed:
        return refused({"fleet": mixed})
    run = {"id": secrets.token_hex(8), "kind": kind, "to": manifest["id"], "by": controller.me()}
    renewed = base if base and base["id"] != manifest["id"] else None
    if options.skip_gate:
        run["skip_gate"] = True
    return {
        "outcome": "go",
        "kind": kind,
        "run": run,
        "to": manifest["id"],
        "live": lives(looks),
        "manifest": manifest,
        "base": renewed,
        "files": files,
        "hosts": plans,
        "migrate": migrations(manifest, plans, kind),
        "apply_migrations": kind == "migrate" or options.migrate_before,
        "skip_gate": options.skip_gate,
        "notes": who_left(everyone),
        "changes": [
            *changes(plans),
            *(["the gate is skipped, as skip_gate says"] if options.skip_gate else []),
            *([comes_back(renewed, given_up)] if renewed else []),
        ],
    }


def retirement(looks: Outcomes, everyone: Outcomes, leave_s: float) -> dict[str, Any]:
    """The plan that takes hosts out of the fleet; `leave_s` bounds the wait for their last request."""
    stay = {
        host for host, look in everyone.items()
        if host not in looks and look["outcome"] == "ok" and look["state"]["live"]
    }  # fmt: skip
    if not stay:
        whom = "--limit says which hosts leave, and one that serves has to stay"
        return refused({"fleet": f"this would leave no host that serves: {whom}"})
    plans = {host: plan.leave(look) for host, look in sorted(looks.items())}
    if plan.changes_nothing(plans):
        return {"outcome": "unchanged", "to": None, "live": None, "kind": "retire"}
    return {
        "outcome": "go",
        "kind": "retire",
        "run": {"id": secrets.token_hex(8), "kind": "retire", "to": None, "by": controller.me()},
        "to": None,
        "live": lives(looks),
        "hosts": plans,
        "leave_s": leave_s,
        "changes": changes(plans),
    }


def who_left(everyone: Outcomes) -> list[str]:
    """What to do about hosts that are not in the inventory any more, a line each."""
    return [
        f"{host} has left the inventory, and what runs there goes on running: put it back and run "
        f"`retire.yml --limit {host}`, unless the machine is gone"
        for host in plan.left(everyone)
    ]


def lives(looks: Outcomes) -> str:
    """The releases that hosts serve, in one line."""
    found = {str(look["state"]["live"]) for look in looks.values() if look["state"]["live"]}
    return ", ".join(sorted(found))


def changes(plans: Mapping[str, Any]) -> list[str]:
    """What the plan changes on each host, a line each."""
    return [f"{host}: {line}" for host, one in sorted(plans.items()) for line in one["changes"]]


def refused(reasons: dict[str, str]) -> dict[str, Any]:
    """The plan that does nothing."""
    return {"outcome": "refused", "reasons": reasons}


def limited(looks: Outcomes, everyone: Outcomes, target: str) -> str:
    """Why a run of a part of the fleet would leave two releases; empty where it would not."""
    rest = sorted(
        host
        for host, look in everyone.items()
        if host not in looks and (look["outcome"] != "ok" or look["state"]["live"] != target)
    )
    if not rest:
        return ""
    return (
        f"--limit would leave {', '.join(rest)} on another release than {target}: run it without --limit, "
        "or with -e allow_mixed=true if two releases at once are what you want"
    )


def migrations(manifest: dict[str, Any], plans: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The migration commands of the services whose image changes; a rollback runs none."""
    staged = {one["service"] for host in plans.values() for one in host["stage"] + host["workers"]}
    return [
        {"service": name, **spec["migrate"]}
        for name, spec in sorted(manifest["services"].items())
        if spec["migrate"] and kind != "rollback" and (kind == "migrate" or name in staged)
    ]


def _kept(looks: Outcomes, release: str) -> dict[str, Any]:
    """The manifest of a release that a host keeps."""
    found: dict[str, Any] = next(
        look["releases"][release]
        for _, look in sorted(looks.items())
        if release in look["releases"]
    )
    return found


def _back(looks: Outcomes, value: Value) -> tuple[dict[str, Any], dict[str, Any]]:
    """The kept release that a rollback goes to, and as what it comes back: its own secrets may be compromised."""
    given_up, secrets = config.given_up(value), config.mapping(value, "secrets")

    def renewed(release: str) -> dict[str, Any]:
        base = _kept(looks, release)
        lost = [name for name in compromised.in_release(base, given_up) if not secrets.get(name)]
        if lost:
            raise plan.Impossible(
                f"release {release} needs {', '.join(lost)}, whose value there is compromised and which the vault "
                "has no other of: add it, or choose another release with -e release=<id>"
            )
        return renewal.renewed(base, given_up, secrets, str(value("release_hmac_key")))

    def becomes(release: str) -> str:
        try:
            return str(renewed(release)["id"])
        except plan.Impossible:
            return release

    target = plan.rollback_target(looks, str(value("release")) or None, becomes)
    return _kept(looks, target), renewed(target)


def comes_back(base: Mapping[str, Any], given_up: compromised.GivenUp) -> str:
    """How a release comes back whose secrets are compromised."""
    names = ", ".join(compromised.in_release(base, given_up))
    return f"{base['id']} comes back with the current {names}: its own value is compromised"


def _target(kind: str, looks: Outcomes, value: Value, ask: Ask) -> Mapping[str, Any]:
    """The manifest of the release that this run is for."""
    if kind == "rollback":
        return _back(looks, value)[1]
    return build(value, looks, ask()).manifest
