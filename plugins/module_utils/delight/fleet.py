"""The decisions of a run, one function each: (view, value, kind, check mode) → result.

`view` is what was said so far, `value` resolves a variable of the play, `kind` is deploy, rollback,
migrate, recover or status. The result's `show` lines are printed.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from delight import config, decide, plan, report
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
    config.wanted_tags(loaded, str(value("version")) or "any", value("images") or {})
    return {"msg": f"{len(loaded.services)} services are described well"}


def recovery(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """How to end what an earlier run left open, before anything new begins."""
    looks = view.act("look")
    runs = [look["state"]["run"] for look in looks.values() if look["outcome"] == "ok"]
    alive = {run["id"]: controller_lives(run["by"]) for run in runs if run}
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


def make_plan(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """Compare what is wanted with what is live; `outcome` is go, unchanged or refused."""
    looks = view.looks()
    if reasons := not_ready(view, looks):
        return refused(reasons)
    try:
        if kind == "rollback":
            release = str(value("release")) or None
            manifest, files = _kept(looks, plan.rollback_target(looks, release)), {}
        else:
            built = config.build(value, looks)
            manifest, files = built.manifest, built.files
        plans = {h: plan.plan_host(manifest, looks[h], h, view.hosts) for h in view.hosts}
        if kind == "migrate":
            todo = {"stage": [], "workers": [], "seal": False}
            plans = {host: one | todo for host, one in plans.items()}
        elif not any(one["changes"] for one in plans.values()):
            return {
                "outcome": "unchanged",
                "to": manifest["id"],
                "live": manifest["id"],
                "kind": kind,
            }
        settings = config.load(value).settings if kind != "rollback" else None
        if settings and (lacks := plan.preflight(manifest, plans, looks, settings)):
            raise plan.Impossible(*lacks)
        mixed = limited(view, value, looks, manifest["id"])
    except ConfigError as error:
        return refused({"configuration": "; ".join(error.mistakes)})
    except (RegistryError, NoVersion, plan.Impossible) as error:
        return refused({"plan": str(error)})
    if mixed:
        return refused({"fleet": mixed})
    run = {"id": secrets.token_hex(8), "kind": kind, "to": manifest["id"], "by": me()}
    live = sorted({str(look["state"]["live"]) for look in looks.values() if look["state"]["live"]})
    return {
        "outcome": "go",
        "kind": kind,
        "run": run,
        "to": manifest["id"],
        "live": ", ".join(live),
        "manifest": manifest,
        "files": files,
        "hosts": plans,
        "migrate": migrations(manifest, plans, kind),
        "apply_migrations": kind == "migrate" or str(value("migrate")) == "before",
        "show": [
            f"  {host}: {line}" for host, one in sorted(plans.items()) for line in one["changes"]
        ],
    }


def not_ready(view: View, looks: dict[str, Any]) -> dict[str, str]:
    """{host: reason} why no plan can be made."""
    decided = view.decision("recovery")
    if decided.get("do") in ("busy", "attention"):
        return {"fleet": decided["reason"]}
    reasons = decide.failures(looks)
    for host, look in looks.items():
        if look["outcome"] == "ok" and look["problems"]:
            reasons[host] = "; ".join(look["problems"])
    for host, mended in view.act("mend").items():
        if mended["outcome"] != "ok":
            reasons[host] = f"an earlier run could not be ended: {mended.get('reason', '')}"
    return reasons


def refused(reasons: dict[str, str]) -> dict[str, Any]:
    """The plan that does nothing."""
    return {"outcome": "refused", "reasons": reasons}


def limited(view: View, value: Value, looks: dict[str, Any], target: str) -> str:
    """Why a play of a part of the fleet would leave two releases; empty where it would not."""
    rest = sorted(set(value("groups")["app"]) - set(view.hosts))
    if not rest or value("allow_mixed"):
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
    return verdict(view, {"lock", "prepare"}, open_so_far=kind != "migrate")


def may_switch(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """The new slots of every host passed the gate."""
    return verdict(view, set(), open_so_far=view.decision("may_stage")["go"])


def stands(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """Every host switched and its new slots and workers run."""
    return verdict(view, {"switch"}, open_so_far=view.decision("may_switch")["go"])


def verdict(view: View, needed: set[str], open_so_far: bool) -> dict[str, Any]:
    """Whether the fleet goes on to the next phase; one bad host or a stop signal puts all back."""
    acts = view.acts()
    found = decide.verdict(acts, os.environ.get(STOP, ""))
    go = open_so_far and found.go and needed <= set(acts)
    return {"go": go, "reasons": found.reasons, "stop": found.stop}


def conclude(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """The outcome of the run; fails for every outcome that is not good."""
    result = outcome_of(view, kind, check_mode)
    result["exit_status"] = decide.EXIT_STATUS[result["outcome"]]
    result["hosts"] = view.hosts
    path = str(value("result_file"))
    if path and not check_mode:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    text = report.summary(result)
    headline = text.splitlines()[0]
    status = result["exit_status"]
    return {"msg": headline, "text": text, "exit_status": status, "failed": status != 0}


def outcome_of(view: View, kind: str, check_mode: bool) -> dict[str, Any]:
    """{"outcome", "kind", "to", "live", "reasons", "sick", "next", "notes"}."""
    planned = view.decision("plan")
    base: dict[str, Any] = {"kind": kind, "to": planned.get("to"), "live": planned.get("live")}
    if kind == "recover":
        return base | recovered(view)
    if planned["outcome"] != "go":
        return base | {"outcome": planned["outcome"], "reasons": planned.get("reasons", {})}
    if check_mode:
        return base | {"outcome": decide.PLANNED}
    acts = view.acts()
    stop = os.environ.get(STOP, "")
    outcome, reasons = decide.conclude(acts, kind, stop)
    if stop and outcome == decide.ROLLED_BACK:
        reasons = {"stopped": f"{stop} asked for it", **reasons}
    notes = []
    for host, moved in acts.get("migrate", {}).items():
        for service, lines in moved.get("pending", {}).items():
            notes += [f"{service} has pending migrations:"] + [f"  {line}" for line in lines]
            reasons = {
                host: "migrations are pending; run migrate.yml, or deploy with -e migrate=before"
            }
    return base | {
        "outcome": outcome,
        "reasons": reasons,
        "sick": report.collect_sick(acts),
        "notes": notes,
        "next": ["recover.yml shows and mends what is left"] if outcome == decide.ATTENTION else [],
        "acts": {
            name: {h: brief(o) for h, o in outcomes.items()} for name, outcomes in acts.items()
        },
    }


def recovered(view: View) -> dict[str, Any]:
    """The outcome of recover.yml."""
    decided = view.decision("recovery")
    looks = view.looks()
    reasons = not_ready(view, looks)
    if decided["do"] == "busy":
        return {"outcome": decide.REFUSED, "reasons": reasons}
    if reasons:
        return {"outcome": decide.ATTENTION, "reasons": reasons}
    notes = [decided["reason"]] if decided["reason"] else ["nothing was left open"]
    return {"outcome": decide.RECOVERED, "notes": notes + report.status(looks)}


def brief(outcome: dict[str, Any]) -> dict[str, Any]:
    """What the result file keeps of an act."""
    keys = ("outcome", "reason", "told", "took_s", "seconds", "drained")
    return {key: outcome[key] for key in keys if key in outcome}


def show_status(view: View, value: Value, kind: str, check_mode: bool) -> dict[str, Any]:
    """What every host serves and keeps."""
    return {"show": report.status(view.looks())}


def me() -> dict[str, Any]:
    """Who runs this: told to others, and enough to see here whether it still lives."""
    pid = os.getppid()
    name = f"{getpass.getuser()}@{socket.gethostname()}"
    return {"name": name, "node": socket.gethostname(), "pid": pid, "born": born(pid)}


def controller_lives(by: dict[str, Any]) -> bool:
    """Whether the controller of an open run is still alive; unknown for another machine's: no."""
    here = bool(by["node"] == socket.gethostname() and by["born"])
    return here and born(by["pid"]) == str(by["born"])


def born(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty when there is none (a zombie counts so)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


DECISIONS: dict[str, Decision] = {
    "check": check,
    "recovery": recovery,
    "plan": make_plan,
    "may_stage": may_stage,
    "may_switch": may_switch,
    "stands": stands,
    "report": conclude,
    "status": show_status,
}
