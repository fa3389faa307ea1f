"""What each act is told. Pure but for `value`, which resolves a variable of the play."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from delight import controller
from delight import release as releases
from delight.host import store
from delight.view import View

Value = Callable[[str], Any]


def params(name: str, view: View, value: Value) -> dict[str, Any]:
    """The parameters of act `name` for the host of `view`; goes to its standard input as JSON."""
    base: dict[str, Any] = {"root": str(value("release_root"))}
    if name == "look":
        return base
    if name == "mend":
        open_run = view.act("look")[view.host]["state"]["run"]
        mended_by = store.owner(controller.me())
        found = base | {
            "run": open_run,
            "keep": int(value("release_keep")),
            "mended_by": mended_by,
        }
        takeover = str(value("takeover"))
        return found | ({"takeover": takeover} if takeover else {})
    plan = view.decision("plan")
    mine = plan["hosts"][view.host]
    base |= {"run": plan["run"], "release": plan["to"]}
    match name:
        case "lock":
            return base | claim(view)
        case "prepare":
            return base | claim(view) | prepare(plan, mine, value)
        case "migrate":
            return base | {"migrate": plan["migrate"], "apply": plan["apply_migrations"]}
        case "stage":
            return base | {"stage": mine["stage"], "gate": not plan["skip_gate"]}
        case "switch":
            return base | {"map": mine["map"], "slots": mine["slots"], "gone": mine["gone"]}
        case "workers":
            return base | {"workers": mine["workers"], "gate": not plan["skip_gate"]}
        case "settle":
            return base | {"keep": int(value("release_keep")), "seal": mine["seal"]}
        case "undo":
            closes = "migrated" if plan["kind"] == "migrate" else "rolled back"
            said = (view.act(act).get(view.host, {}).get("outcome") for act in ("lock", "prepare"))
            claimed = any(word in ("ok", "unfit") for word in said)
            keep = int(value("release_keep"))
            return base | {"keep": keep, "closes": closes, "claimed": claimed}
    return base


def claim(view: View) -> dict[str, Any]:
    """What the host must still look like for the plan to hold."""
    state = view.looks()[view.host]["state"]
    return {"live": state["live"], "last": state["last"]}


def checks(plan: dict[str, Any], mine: dict[str, Any]) -> list[dict[str, Any]]:
    """[{"service", "argv", "timeout_s"}] of the services that a deploy renews on this host.

    A rollback runs none: it may be the answer to the very outage that a check would find.
    """
    if plan["kind"] != "deploy" or plan["skip_gate"]:
        return []
    services = plan["manifest"]["services"]
    renewed = [one["service"] for one in mine["stage"] + mine["workers"]]
    return [
        {"service": n, "argv": services[n]["check"], "timeout_s": services[n]["check_timeout_s"]}
        for n in renewed
        if services[n]["check"]
    ]


def prepare(plan: dict[str, Any], mine: dict[str, Any], value: Value) -> dict[str, Any]:
    """The release itself. Secret values join it here and nowhere else."""
    manifest = plan["manifest"]
    found = {
        "manifest": manifest,
        "backends": mine["backends"],
        "images": sorted({spec["image"] for spec in manifest["services"].values()}),
        "checks": checks(plan, mine),
    }
    if plan["kind"] == "rollback":
        return found
    names = {name: list(spec["secrets"]) for name, spec in manifest["services"].items()}
    built = releases.Release(manifest, plan["files"], names)
    secrets = {str(k): str(v) for k, v in value("secrets").items()} if any(names.values()) else {}
    found["files"] = releases.contents(built, secrets)
    username = str(value("registry_username"))
    if username:
        found["login"] = {"username": username, "password": str(value("registry_password"))}
    return found
