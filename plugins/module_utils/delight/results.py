"""How a run ended: its outcome, its text for the terminal, its result file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from delight import decide, report
from delight.decide import Outcomes, Recovery
from delight.errors import ConfigError

# What to do about hosts that may not agree.
NEXT = ["status.yml shows what serves", "recover.yml shows and mends what is left"]


def publish(result: dict[str, Any], hosts: list[str], path: str, seconds: float) -> dict[str, Any]:
    """The last word of a run that ended so, as an event; `path` (or empty) gets all of its result as JSON."""
    result |= {"exit_status": decide.EXIT_STATUS[result["outcome"]], "hosts": hosts}
    result |= {"seconds": seconds, "result_file": path}
    if path:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
        except OSError as error:
            # The outcome is what it is; a run that ended well has not failed for its report.
            result["notes"] = [*result.get("notes", []), f"result_file is not written: {error}"]
            result["result_file"] = ""
    return {"event": "outcome", **{key: result[key] for key in result if key != "acts"}}


def try_file(path: str) -> None:
    """Refuse a result file that could not be written in the end; what an earlier run wrote goes."""
    if not path:
        return
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).unlink(missing_ok=True)
        Path(path).touch()
        Path(path).unlink()
    except OSError as error:
        raise ConfigError([f"result_file: {error.strerror}: {path}"]) from error


def of_plan(planned: dict[str, Any], kind: str) -> dict[str, Any]:
    """The outcome of a run that ends with its plan: unchanged, refused, or planned in check mode."""
    outcome = decide.PLANNED if planned["outcome"] == "go" else planned["outcome"]
    reasons, notes = planned.get("reasons", {}), planned.get("notes", [])
    return base(planned, kind) | {"outcome": outcome, "reasons": reasons, "notes": notes}


def base(planned: dict[str, Any], kind: str) -> dict[str, Any]:
    """What every result says."""
    return {"kind": kind, "to": planned.get("to"), "live": planned.get("live")}


def of_run(
    acts: Mapping[str, Outcomes],
    planned: dict[str, Any],
    kind: str,
    stop: str = "",
    errors: Mapping[str, str] | None = None,
    left_open: Sequence[str] = (),
) -> dict[str, Any]:
    """The outcome of a run that locked hosts, as {"outcome", "reasons", "sick", "next", "notes", …}.

    `acts` is {act: {host: outcome}} in their order, `stop` what has asked the run to end or empty,
    `errors` what went wrong outside of acts, `left_open` the hosts that nobody has asked to end the run.
    """
    outcome, reasons = decide.conclude(acts, kind, stop, errors, left_open)
    if stop and outcome in (decide.ROLLED_BACK, decide.NOT_ROLLED_BACK, decide.REFUSED):
        reasons = {"stopped": stop, **reasons}
    notes = ["the gate was skipped: nothing says that this release is well"] * bool(
        planned.get("skip_gate") and outcome == decide.RELEASED
    )
    for host, moved in acts.get("migrate", {}).items():
        for service, lines in moved.get("pending", {}).items():
            notes += [f"{service} has pending migrations:"] + [f"  {line}" for line in lines]
            reasons = {
                host: "migrations are pending; run migrate.yml, or deploy with -e migrate=before"
            }
    # What serves is what the hosts have said after they were put back, not what the plan had seen.
    live = {str(said["live"]) for said in acts.get("undo", {}).values() if said.get("live")}
    applied = [
        f"  {m}" for moved in acts.get("migrate", {}).values() for m in moved.get("applied", [])
    ]
    if applied and outcome not in (decide.RELEASED, decide.MIGRATED):
        notes += ["these migrations were applied and stay:", *applied]
    prepared = any(one.get("changed") for one in acts.get("prepare", {}).values())
    return base(planned, kind) | {
        "touched": ["what was prepared is removed again"]
        * (prepared and outcome == decide.REFUSED),
        "live": ", ".join(sorted(live)) if "undo" in acts else planned.get("live"),
        "outcome": outcome,
        "reasons": reasons,
        "sick": report.collect_sick(acts),
        "notes": [*notes, *planned.get("notes", [])],
        "next": NEXT if outcome == decide.ATTENTION else [],
        "acts": {
            name: {h: excerpt(o) for h, o in outcomes.items()} for name, outcomes in acts.items()
        },
    }


def of_recovery(recovery: Recovery, looks: Outcomes, ended: Outcomes) -> dict[str, Any]:
    """The outcome of recover.yml: what was decided, what hosts say now, how their recovery went."""
    base: dict[str, Any] = {"kind": "recover", "to": None, "live": None}
    reasons = not_ready(recovery, looks, ended)
    if recovery.do in ("busy", "refused"):
        return base | {"outcome": decide.REFUSED, "reasons": reasons}
    if reasons:
        return base | {"outcome": decide.ATTENTION, "reasons": reasons}
    notes = [recovery.reason] if recovery.reason else ["nothing was left open"]
    return base | {"outcome": decide.RECOVERED, "notes": notes + report.status(looks)}


def excerpt(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """What the result file keeps of an act."""
    keys = ("outcome", "reason", "message", "live", "took_s", "seconds", "drained")
    return {key: outcome[key] for key in keys if key in outcome}


def not_ready(recovery: Recovery, looks: Outcomes, ended: Outcomes) -> dict[str, str]:
    """{host: reason} why no plan can be made."""
    if recovery.do in ("busy", "refused"):
        return {"fleet": recovery.reason}
    reasons = decide.failures(looks)
    if recovery.do == "attention":
        return {"fleet": recovery.reason, **reasons}
    for host, look in looks.items():
        if look["outcome"] == "ok" and look["problems"]:
            reasons[host] = "; ".join(look["problems"])
        elif look["outcome"] == "unreachable":
            reasons[
                host
            ] += f"; the others go on without it by --limit '!{host}' -e allow_mixed=true"
    for host, one in ended.items():
        if one["outcome"] != "ok":
            reasons[host] = f"an earlier run could not be ended: {one.get('reason', '')}"
    return reasons
