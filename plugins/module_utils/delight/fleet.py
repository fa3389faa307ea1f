"""The decisions of a run, one function each: (view, value, kind, check mode) → result.

`view` is what was said so far, `value` resolves a variable of the play, `kind` is deploy, rollback,
migrate, recover or status. The result's `show` lines are printed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from delight import conclusion, config, decide, planning, report
from delight.decide import Mending
from delight.schema import ConfigError
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
    found = planning.mending(kind, view.act("look"), value)
    act = decide.ENDS.get(found.do, "")
    show = []
    if act:
        what = "finishing" if found.do == "finish" else "undoing"
        show = [
            f"  an earlier run was left open on {', '.join(found.hosts)}: {what} it, {found.reason}"
        ]
    return {
        "do": found.do,
        "do_act": act,
        "reason": found.reason,
        "hosts": found.hosts,
        "show": show,
    }


def mending(view: View) -> Mending:
    """That decision again."""
    found = view.decision("recovery")
    return Mending(found.get("do", "nothing"), found.get("reason", ""), found.get("hosts", []))


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
    if reasons := conclusion.not_ready(mending(view), looks, view.act("mend")):
        return planning.refused(reasons)
    return planning.planned(kind, looks, sorted(value("groups")["app"]), value)


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
        found = conclusion.of_recovery(mending(view), view.looks(), view.act("mend"))
    else:
        found = conclusion.of_run(
            view.acts(), view.decision("plan"), kind, os.environ.get(STOP, ""), view.undecided()
        )
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
