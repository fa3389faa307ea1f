"""Fleet decisions: pure functions over what every host said. Nothing here does anything.

An outcome of an act is {"outcome": word, "reason": line, …}; a host that could not be asked has
the outcome `unreachable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from delight.host.serving import MOVED

Outcome = Mapping[str, Any]
Outcomes = Mapping[str, Outcome]
Params = dict[str, dict[str, Any]]  # of an act: {host: its parameters}

RELEASED, UNCHANGED, REFUSED = "released", "unchanged", "refused"
ROLLED_BACK, NOT_ROLLED_BACK, ATTENTION = "rolled back", "not rolled back", "needs attention"
MIGRATED, RECOVERED, PLANNED, RETIRED = "migrated", "recovered", "planned", "retired"
SMOKE_FAILED = "smoke failed"

# ansible-playbook's own statuses are 0 to 5, 99 and 250.
EXIT_STATUS = {
    RELEASED: 0,
    UNCHANGED: 0,
    MIGRATED: 0,
    RECOVERED: 0,
    PLANNED: 0,
    RETIRED: 0,
    REFUSED: 20,
    ROLLED_BACK: 21,
    NOT_ROLLED_BACK: 21,
    ATTENTION: 22,
    SMOKE_FAILED: 23,
}

# The act that ends an open run as it was decided.
ENDS = {"undo": "undo", "finish": "settle"}
# Outcomes of `lock` on a host that some other run holds, or that this one can't be told to.
DECLINED = {"busy", "refused"}
SEALED = {"sealed"}
# Ways for an act to say no before it did anything.
HARMLESS = {"busy", "pending", "refused", "unfit"}


@dataclass(frozen=True)
class Recovery:
    """How to end what an earlier run left: `do` is nothing, undo, finish, busy, refused or attention."""

    do: str
    reason: str = ""
    hosts: list[str] = field(default_factory=list)


def seen(looks: Outcomes) -> dict[str, Outcome]:
    """The hosts that have answered."""
    return {host: look for host, look in looks.items() if look["outcome"] == "ok"}


def switched(look: Mapping[str, Any]) -> bool:
    """Whether the open run of this host has moved its traffic; the map's file is the authority."""
    run = look["state"]["run"]
    if run["phase"] in MOVED:
        return True
    after = run.get("after")
    return bool(run["phase"] == "switching" and after is not None and look["map"]["file"] == after)


def workers_moved(run: Mapping[str, Any]) -> bool:
    """Whether an open run that has moved its traffic has moved its workers too, if there are any."""
    return not run.get("workers", True) or run["phase"] in ("moved", "settling")


def recovery(looks: Outcomes, wanted: str | None) -> Recovery:
    """How to end the open runs of a fleet.

    `looks` are the outcomes of act `look`; `wanted` is the release the new run is for (None: any).
    A run whose conductor still lives holds a host; what is open and held nowhere has been left.
    """
    answered = seen(looks)
    lost = sorted(looks.keys() - answered.keys())
    open_runs = {h: look["state"]["run"] for h, look in answered.items() if look["state"]["run"]}
    held = {h: look["held"] for h, look in answered.items() if look["held"]}
    if held:
        return Recovery("busy", wait_for(held, open_runs), sorted(held))
    if not open_runs:
        return Recovery("nothing")
    hosts = sorted(open_runs)
    first = open_runs[hosts[0]]
    if lost:
        return Recovery(
            "attention",
            f"{', '.join(lost)} cannot be asked, and a run is open on {', '.join(hosts)}: no decision for "
            "the fleet is safe before every host answers",
            hosts,
        )
    ids = {run["id"] for run in open_runs.values()}
    if any(run["phase"] in SEALED for run in open_runs.values()):
        return Recovery("finish", "an old slot may be stopped already: only forward is left", hosts)
    if any(closed_as_released(look, ids) for look in answered.values()):
        return Recovery("finish", "the fleet had decided for the new release", hosts)
    moved = [host for host in hosts if switched(answered[host])]
    all_moved = len(moved) == len(answered) and all(map(workers_moved, open_runs.values()))
    if all_moved and len(ids) == 1 and first["to"] == wanted:
        return Recovery("finish", "every host has the wanted release already", hosts)
    reason = f"the traffic had moved on {', '.join(moved)}" if moved else "no traffic had moved"
    return Recovery("undo", reason, hosts)


def wait_for(held: Mapping[str, Outcome], open_runs: Mapping[str, Mapping[str, Any]]) -> str:
    """Who holds hosts ({host: lease}), since when, how far, and the way out."""
    host = min(held)
    note = held[host]
    if not note["run"]:
        return f"{host} is held by {note.get('act', note['by'])} since {note.get('since', 'some time')}"
    mine = {h: run for h, run in sorted(open_runs.items()) if run["id"] == note["run"]}
    far = (
        ", ".join(f"{run['phase']} on {h}" for h, run in mine.items()) or f"{note['act']} on {host}"
    )
    what = f"{note['kind']} of {note['release']}" if note["release"] else note["kind"]
    return (
        f"{what} by {note['by']} is running; wait for it (since "
        f"{note['since']}, {far}). If it must end, run recover.yml -e takeover={note['by']}"
    )


def closed_as_released(look: Mapping[str, Any], ids: set[str]) -> bool:
    """Whether this host ended one of the runs `ids` as it was wanted."""
    last = look["state"]["last"]
    return bool(last and last["id"] in ids and last["outcome"] in (RELEASED, RETIRED))


def failures(outcomes: Outcomes) -> dict[str, str]:
    """{host: reason} of every host whose act did not end well."""
    return {
        host: str(outcome.get("reason") or outcome["outcome"])
        for host, outcome in sorted(outcomes.items())
        if outcome["outcome"] != "ok"
    }


def conclude(
    acts: Mapping[str, Outcomes],
    kind: str,
    stop: str = "",
    errors: Mapping[str, str] | None = None,
    left_open: Sequence[str] = (),
) -> tuple[str, dict[str, str]]:
    """(outcome of the run, {host: reason}) after its last act.

    `acts` is {act: {host: outcome}} of the acts that were tried, in their order; `errors` says what went
    wrong outside of them: an error of our own is never a refusal. `left_open` are hosts that nobody has
    asked to end the run.
    """
    reasons: dict[str, str] = {}
    for name, outcomes in acts.items():
        if name != "undo":
            reasons = failures(outcomes) | reasons
    reasons |= errors or {}
    settled = acts.get("settle", {})
    lost = failures(settled) | failures(acts.get("seal", {})) | failures(acts.get("undo", {}))
    # Whoever has taken this run over decides what serves; nothing of it is known here.
    fenced = any(o["outcome"] == "fenced" for outcomes in acts.values() for o in outcomes.values())
    lost |= {host: "nobody has ended this run there" for host in left_open}
    if lost or fenced or (errors and "undo" not in acts):
        # What a host failed at first is told too: it is what led here.
        first = {h: f"{reasons[h]}; then: {why}" for h, why in lost.items()
                 if reasons.get(h, why) != why}  # fmt: skip
        return ATTENTION, reasons | lost | first
    if settled:
        return (RETIRED if kind == "retire" else RELEASED), {}
    if kind == "migrate" and not reasons and not stop:
        return MIGRATED, {}
    words = {outcome["outcome"] for outcomes in acts.values() for outcome in outcomes.values()}
    untouched = "undo" not in acts or not (stop or errors)
    if "stage" not in acts and untouched and words <= {"ok", *HARMLESS}:
        return REFUSED, reasons
    return (NOT_ROLLED_BACK if kind == "rollback" else ROLLED_BACK), reasons
