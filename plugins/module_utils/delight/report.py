"""What a person reads at the end of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from delight import decide
from delight.host import store

# Digits and what stands among them in times, addresses and identities.
NUMBER = re.compile(r"\b(?:0x)?[0-9a-f]*[0-9][0-9a-f]*\b")

Acts = Mapping[str, Mapping[str, Mapping[str, Any]]]
Line = tuple[str, str]  # and its colour, or nothing

# Of a container's last log lines, those that fit on a screen with the outcome below them.
LOG_LINES = 15
# What a failed task of ours says, where it says anything: whatever else failed is Ansible's to tell.
TOLD = {"over", "outcome", "exit_status", "text"}
OWN = {"guard", "phase", "secrets", "smoke", "validate"}
HEADLINES = {
    decide.RELEASED: "RELEASED {to} on {hosts}",
    decide.UNCHANGED: "UNCHANGED: {to} is live on {hosts} already; nothing was touched",
    decide.REFUSED: "REFUSED: nothing was touched",
    decide.ROLLED_BACK: "ROLLED BACK: {live} serves on {hosts}",
    decide.NOT_ROLLED_BACK: "NOT ROLLED BACK to {to}: {live} still serves on {hosts}",
    decide.ATTENTION: "NEEDS ATTENTION: the hosts may not agree",
    decide.MIGRATED: "MIGRATED with {to}; {live} serves as before",
    decide.PLANNED: "PLANNED: {to} on {hosts}; check mode touched nothing",
    decide.RETIRED: "RETIRED: {hosts} serves nothing and keeps nothing; take it out of the inventory now",
    decide.RECOVERED: "RECOVERED: no run is open on {hosts}",
}
# Of hosts that leave the fleet.
LEAVING = {
    decide.UNCHANGED: "UNCHANGED: {hosts} serves nothing and keeps nothing already",
    decide.PLANNED: "PLANNED: {hosts} leaves the fleet; check mode touched nothing",
}


def summary(result: Mapping[str, Any]) -> str:
    """The text for the terminal, without its colours."""
    return "\n".join(line for line, _ in lines(result))


def lines(result: Mapping[str, Any]) -> list[Line]:
    """What the sick containers said, the outcome, why, what to do: the reason is what stays on the screen.

    An outcome that has a `message` has no more than that.
    """
    colour = (
        "red" if result.get("exit_status", decide.EXIT_STATUS.get(result["outcome"])) else "green"
    )
    if "message" in result:
        return [(line, colour) for line in result["message"].splitlines()]
    reasons = result.get("reasons", {})
    found: list[Line] = []
    for names, one in gathered(result.get("sick", {})):
        told = any(one["reason"] in reasons.get(host, "") for host in names)
        found += [(line, "") for line in evidence(names, one, told, result.get("result_file", ""))]
    found.append((headline(result), colour))
    found += [(f"  {line}", "") for line in result.get("notes", [])]
    found += [(f"  {', '.join(hosts)}: {reason}", colour) for hosts, reason in folded(reasons)]
    return found + [(f"  → {step}", "") for step in result.get("next", [])]


def told(action: str, said: Mapping[str, Any]) -> bool:
    """Whether a task that failed has words of its own, which the end of the run tells."""
    return action in OWN and not TOLD.isdisjoint(said)


def refused(mistakes: Sequence[str]) -> dict[str, Any]:
    """The result of a task that refuses a configuration before any host is asked."""
    text = "\n  ".join(["REFUSED: nothing was touched", *mistakes])
    return {"failed": True, "outcome": decide.REFUSED, "msg": "\n".join(mistakes), "text": text}


def message(said: Mapping[str, Any]) -> dict[str, Any]:
    """The last word of a run that ended with a task's own words."""
    outcome = said.get("outcome", "failed")
    status = decide.EXIT_STATUS.get(outcome, said.get("exit_status", 2))
    return {
        **{"event": "outcome", "outcome": outcome, "exit_status": status},
        "message": str(said.get("text") or said["msg"]),
    }


def no_outcome(why: str) -> dict[str, Any]:
    """The last word of a run that nobody can say more of."""
    return {
        **{"event": "outcome", "outcome": decide.ATTENTION, "why": why},
        "exit_status": decide.EXIT_STATUS[decide.ATTENTION],
        "next": ["status.yml shows what serves", "recover.yml ends what is left"],
    }


def headline(result: Mapping[str, Any]) -> str:
    """How the run ended, in a line."""
    if "why" in result:
        return f"NEEDS ATTENTION: this run ended without an outcome: {result['why']}"
    words = {
        "to": result.get("to") or "nothing",
        "live": result.get("live") or "no release",
        "hosts": ", ".join(result.get("hosts", [])),
    }
    released = result["outcome"] == decide.RELEASED and "seconds" in result
    took = f" in {result['seconds']:.1f} s" if released else ""
    return template(result).format(**words) + took


def template(result: Mapping[str, Any]) -> str:
    """That line with places for words; it claims nothing that was not so."""
    outcome, touched = result["outcome"], "; ".join(result.get("touched", []))
    if result.get("kind") == "retire" and outcome in LEAVING:
        return "; ".join([LEAVING[outcome], *result.get("touched", [])])
    if outcome == decide.RELEASED and result.get("kind") == "rollback":
        return "ROLLED BACK TO {to} on {hosts}"
    if touched and outcome == decide.REFUSED:
        return f"REFUSED: no traffic was touched; {touched}"
    if touched and outcome == decide.UNCHANGED:
        return f"UNCHANGED: {{to}} is live on {{hosts}} already; {touched}"
    return HEADLINES[outcome]


def alike(text: str) -> str:
    """A text without what differs between hosts that say the same: a time, a port, an address."""
    return NUMBER.sub("0", text)


def folded(reasons: Mapping[str, str]) -> list[tuple[list[str], str]]:
    """Reasons with the hosts that have the same: ([host, …], that of the first)."""
    found: dict[str, tuple[list[str], str]] = {}
    for host, reason in sorted(reasons.items()):
        found.setdefault(alike(reason), ([], reason))[0].append(host)
    return list(found.values())


def gathered(
    sick: Mapping[str, list[Mapping[str, Any]]],
) -> list[tuple[dict[str, list[str]], Mapping[str, Any]]]:
    """Sick containers by what they say: ({host: [container, …]}, the first of them).

    A log that names its own host says the same all the same.
    """
    found: dict[tuple[str, ...], tuple[dict[str, list[str]], Mapping[str, Any]]] = {}
    for host, containers in sorted(sick.items()):
        for one in containers:
            said = (one["reason"], *one["logs"])
            key = tuple(alike(re.sub(rf"\b{re.escape(host)}\b", "", line)) for line in said)
            found.setdefault(key, ({}, one))[0].setdefault(host, []).append(one["name"])
    return list(found.values())


def where(names: Mapping[str, list[str]]) -> str:
    """`app1, app2 / api-1, api-2; app3 / api-1`."""
    hosts: dict[tuple[str, ...], list[str]] = {}
    for host, containers in names.items():
        hosts.setdefault(tuple(containers), []).append(host)
    return "; ".join(f"{', '.join(on)} / {', '.join(names)}" for names, on in hosts.items())


def evidence(
    names: Mapping[str, list[str]], sick: Mapping[str, Any], told: bool, result_file: str
) -> list[str]:
    """The last answer, the health log and the last log lines of containers that say the same.

    `told` says that the reason stands below, and `result_file` where all of the lines are.
    """
    found = [f"  ── {where(names)}" + ("" if told else f": {sick['reason']}")]
    if sick["answer"]:
        found.append(f"     last answer: {sick['answer']}")
    found += [f"     health log: {line}" for line in sick["health_log"]]
    logs = sick["logs"][-LOG_LINES:]
    if more := len(sick["logs"]) - len(logs):
        place = f"in {result_file}" if result_file else "kept by -e result_file=FILE"
        found.append(f"     last {len(logs)} log lines, {more} more {place}:")
    else:
        found.append(f"     last {len(logs)} log lines:")
    return found + [f"     │ {line}" for line in logs]


def collect_sick(acts: Acts) -> dict[str, list[Mapping[str, Any]]]:
    """{host: [what is known of each sick container]} of all acts."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for outcomes in acts.values():
        for host, outcome in outcomes.items():
            for sick in outcome.get("sick", []):
                found.setdefault(host, []).append(sick)
    return found


def status(looks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A few lines a host: what serves, in which slots, what is kept, what is wrong."""
    return [line for host in sorted(looks) for line in of_host(host, standing(looks[host]))]


def standing(look: Mapping[str, Any]) -> dict[str, Any]:
    """What a host serves and keeps, by its look.

    {"outcome", "live", "services": {name: [{"slot", "release", "live", "running", "containers"}]}, "kept":
    [{"release", "good"}], "run": the open one or None, "edge_agrees", "problems": [text]}; of a host that gave no look
    {"outcome", "reason"}.
    """
    if look["outcome"] != "ok":
        return {"outcome": look["outcome"], "reason": look.get("reason", "")}
    state, run = look["state"], look["state"]["run"]
    good = {entry["release"]: bool(entry["good"]) for entry in state["history"]}
    shown = ("kind", "to", "started", "phase")
    return {
        "outcome": "ok",
        "live": state["live"],
        "services": {n: slots(n, held, look) for n, held in sorted(state["slots"].items())},
        "kept": [{"release": r, "good": good.get(r, False)} for r in look["releases"]],
        "run": {"by": store.owner(run["by"]), **{k: run[k] for k in shown}} if run else None,
        "edge_agrees": look["map"]["runtime"] == look["map"]["file"],
        "problems": list(look["problems"]),
    }


def slots(name: str, held: Mapping[str, Any], look: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The slots of a service that hold a release."""
    found = []
    for slot in ("blue", "green"):
        if not held[slot]:
            continue
        mine = [c for c in look["containers"] if (c["service"], c["slot"]) == (name, slot)]
        found.append(
            {
                **{"slot": slot, "release": held[slot], "live": held["live"] == slot},
                **{"running": sum(c["running"] for c in mine), "containers": len(mine)},
            }
        )
    return found


def of_host(host: str, stands: Mapping[str, Any]) -> list[str]:
    """The lines of one host."""
    if stands["outcome"] != "ok":
        return [f"{host}: {stands['outcome']}: {stands['reason']}"]
    found = [f"{host}: live {stands['live'] or 'nothing'}"]
    for name, held in stands["services"].items():
        found.append(f"  {name}: {', '.join(map(slot_line, held)) or 'nothing'}")
    kept = [
        f"{one['release']}{'' if one['good'] else ' (not a rollback target)'}"
        for one in stands["kept"]
    ]
    found.append(f"  kept: {', '.join(kept) or 'none'}")
    if run := stands["run"]:
        found.append(
            f"  open run: {run['kind']} of {run['to']} by {run['by']} since {run['started']}, phase "
            f"{run['phase']}; if it has died, run recover.yml"
        )
    if not stands["edge_agrees"]:
        found.append("  the edge's running map is not the one in its file; run recover.yml")
    return found + [f"  problem: {problem}" for problem in stands["problems"]]


def slot_line(one: Mapping[str, Any]) -> str:
    """`blue live v1-… (2 of 2 running)`."""
    live = " live" if one["live"] else ""
    running = f"({one['running']} of {one['containers']} running)"
    return f"{one['slot']}{live} {one['release']} {running}"
