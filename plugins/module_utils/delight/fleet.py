"""The decisions of a run, one function each: (view, value, kind, check mode) → result.

`view` is what was said so far, `value` resolves a variable of the play, `kind` is deploy, rollback,
migrate, recover or status. The result's `show` lines are printed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from typing import Any

from delight import conclusion, config, controller, decide, plan, preflight, report
from delight.host import store
from delight.registry import RegistryError
from delight.schema import ConfigError
from delight.version import NoVersion
from delight.view import View

Value = Callable[[str], Any]
Decision = Callable[[View, Value, str, bool], dict[str, Any]]

# Set by the callback plugin in the main process; every task's worker inherits it.
STOP = "DELIGHT_STOP"


def check(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """Refuse a configuration with mistakes before any host is asked anything."""
    loaded = config.load(value)
    config.options(value)
    if value("takeover"):
        raise ConfigError(["takeover: is for recover.yml alone; run it with takeover, then this"])
    config.wanted_tags(loaded, value, str(value("version")) or "any")
    return {"msg": f"{len(loaded.services)} services are described well"}


def recovery(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """How to end what an earlier run left open, before anything new begins."""
    looks = view.act("look")
    found = [look["state"]["run"] for look in looks.values() if look["outcome"] == "ok"]
    runs = [run for run in found if run]
    taken = str(value("takeover")) if kind == "recover" else ""
    owners = sorted({store.owner(run["by"]) for run in runs})
    if taken and taken not in owners:
        holds = f"open are runs by {', '.join(owners)}" if owners else "no run is open"
        reason = f"takeover: does not name the owner of an open run; {holds}"
        return {"do": "refused", "do_act": "", "reason": reason, "hosts": [], "show": []}
    alive = {
        run["id"]: store.owner(run["by"]) != taken and controller.lives(run["by"]) for run in runs
    }
    wanted = None
    if alive and kind in ("deploy", "rollback"):
        try:
            wanted = _target(view, value, kind)["id"]
        except (ConfigError, RegistryError, NoVersion, plan.Impossible):
            wanted = None  # what is wanted can't be told; the plan will say why
    mending = decide.mend(looks, wanted, alive)
    acts = {"undo": "undo", "finish": "settle"}
    show = []
    if mending.do in acts:
        what = "finishing" if mending.do == "finish" else "undoing"
        show = [
            f"  an earlier run was left open on {', '.join(mending.hosts)}: {what} it, {mending.reason}"
        ]
    return {
        "do": mending.do,
        "do_act": acts.get(mending.do, ""),
        "reason": mending.reason,
        "hosts": mending.hosts,
        "show": show,
    }


def plan_or_end(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """The plan; one that leads nowhere, or is only asked for, is the run's last word too."""
    planned = make_plan(view, value, kind)
    if planned["outcome"] == "go" and not check_mode:
        return planned
    found = conclusion.of_plan(planned, kind)
    return planned | {"go_on": False} | last_word(found, view, value, check_mode)


def make_plan(view: View, value: Value, kind: str) -> dict[str, Any]:
    """Compare what is wanted with what is live; `outcome` is go, unchanged or refused."""
    looks = view.looks()
    if reasons := conclusion.not_ready(view, looks):
        return refused(reasons)
    try:
        options = config.options(value)
        if kind == "rollback":
            release = str(value("release")) or None
            manifest, files = _kept(looks, plan.rollback_target(looks, release)), {}
        else:
            built = config.build(value, looks)
            manifest, files = built.manifest, built.files
        plans = plan.plan_fleet(manifest, looks)
        if kind == "migrate":
            todo = {"stage": [], "workers": [], "seal": False}
            plans = {host: one | todo for host, one in plans.items()}
        elif plan.changes_nothing(plans):
            return {
                "outcome": "unchanged",
                "to": manifest["id"],
                "live": manifest["id"],
                "kind": kind,
            }
        settings = config.load(value).settings if kind != "rollback" else None
        if settings and (lacks := preflight.lacks(manifest, plans, looks, settings)):
            raise plan.Impossible(*lacks)
        mixed = "" if options.allow_mixed else limited(view, value, manifest["id"])
    except ConfigError as error:
        return refused({"configuration": "; ".join(error.mistakes)})
    except (RegistryError, NoVersion, plan.Impossible) as error:
        return refused({"plan": str(error)})
    if mixed:
        return refused({"fleet": mixed})
    run = {"id": secrets.token_hex(8), "kind": kind, "to": manifest["id"], "by": controller.me()}
    if options.skip_gate:
        run["skip_gate"] = True
    live = sorted({str(look["state"]["live"]) for look in looks.values() if look["state"]["live"]})
    return {
        "outcome": "go",
        "go_on": True,
        "kind": kind,
        "run": run,
        "to": manifest["id"],
        "live": ", ".join(live),
        "manifest": manifest,
        "files": files,
        "hosts": plans,
        "migrate": migrations(manifest, plans, kind),
        "apply_migrations": kind == "migrate" or options.migrate_before,
        "skip_gate": options.skip_gate,
        "show": [
            f"  {host}: {line}" for host, one in sorted(plans.items()) for line in one["changes"]
        ]
        + ["  the gate is skipped, as skip_gate says"] * options.skip_gate,
    }


def refused(reasons: dict[str, str]) -> dict[str, Any]:
    """The plan that does nothing."""
    return {"outcome": "refused", "reasons": reasons}


def limited(view: View, value: Value, target: str) -> str:
    """Why a play of a part of the fleet would leave two releases; empty where it would not."""
    rest = sorted(set(value("groups")["app"]) - set(view.hosts))
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


def _kept(looks: dict[str, Any], release: str) -> dict[str, Any]:
    """The manifest of a release that a host keeps."""
    found: dict[str, Any] = next(
        look["releases"][release]
        for _, look in sorted(looks.items())
        if release in look["releases"]
    )
    return found


def _target(view: View, value: Value, kind: str) -> dict[str, Any]:
    """The manifest of the release that this run is for."""
    looks = {h: look for h, look in view.looks().items() if look["outcome"] == "ok"}
    if kind == "rollback":
        return _kept(looks, plan.rollback_target(looks, str(value("release")) or None))
    return config.build(value, looks).manifest


def may_stage(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """Every host is locked and prepared, and nothing waits for a migration."""
    return verdict(view, "stage", {"prepare"}, open_so_far=kind != "migrate")


def may_switch(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """The new slots of every host passed the gate."""
    return verdict(view, "switch", set(), open_so_far=view.decided("may_stage"))


def stands(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """Every host switched and its new slots and workers run."""
    return verdict(view, "seal", {"switch"}, open_so_far=view.decided("may_switch"))


def verdict(view: View, then: str, needed: set[str], open_so_far: bool) -> dict[str, Any]:
    """Whether the fleet goes on to act `then`; one bad host or a stop signal puts all back."""
    acts = view.acts(before=then)
    found = decide.verdict(acts, os.environ.get(STOP, ""))
    go = open_so_far and found.go and needed <= set(acts)
    return {"go": go, "reasons": found.reasons, "stop": found.stop}


def conclude(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """The outcome of the run, as its last task."""
    if kind == "recover":
        found = conclusion.of_recovery(view)
    else:
        found = conclusion.of_run(view, kind, os.environ.get(STOP, ""))
    return last_word(found, view, value, check_mode)


def last_word(found: dict[str, Any], view: View, value: Value, check_mode: bool) -> dict[str, Any]:
    """What ends the run, written to `result_file` too; check mode writes nothing."""
    return conclusion.last_word(found, view.hosts, "" if check_mode else str(value("result_file")))


def show_status(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """What every host serves and keeps."""
    return {"show": report.status(view.looks())}


DECISIONS: dict[str, Decision] = {
    "check": check,
    "recovery": recovery,
    "plan": plan_or_end,
    "may_stage": may_stage,
    "may_switch": may_switch,
    "stands": stands,
    "report": conclude,
    "status": show_status,
}
