"""What a person reads at the end of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from delight import decide
from delight.host import store

# Digits and what stands among them in times, addresses and identities.
NUMBER = re.compile(r"\b(?:0x)?[0-9a-f]*[0-9][0-9a-f]*\b")

Acts = Mapping[str, Mapping[str, Mapping[str, Any]]]

NO_OUTCOME = """\
NEEDS ATTENTION: this run ended without an outcome: {why}
  → status.yml shows what serves
  → recover.yml ends what is left\
"""
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
    """The text for the terminal: the outcome, why, what the sick containers said, what to do."""
    words = {
        "to": result.get("to") or "nothing",
        "live": result.get("live") or "no release",
        "hosts": ", ".join(result.get("hosts", [])),
    }
    lines = [headline(result).format(**words)]
    lines += [f"  {line}" for line in result.get("notes", [])]
    lines += [f"  {host}: {reason}" for host, reason in sorted(result.get("reasons", {}).items())]
    for names, one in gathered(result.get("sick", {})):
        lines += evidence(names, one)
    lines += [f"  → {step}" for step in result.get("next", [])]
    return "\n".join(lines)


def no_outcome(why: str) -> dict[str, Any]:
    """{"text", "exit_status"}: the last word of a run that nobody can say more of."""
    return {"text": NO_OUTCOME.format(why=why), "exit_status": decide.EXIT_STATUS[decide.ATTENTION]}


def headline(result: Mapping[str, Any]) -> str:
    """The first line, with places for words; it claims nothing that was not so."""
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


def gathered(
    sick: Mapping[str, list[Mapping[str, Any]]],
) -> list[tuple[list[str], Mapping[str, Any]]]:
    """Sick containers by what they say: ([host / container, …], the first of them).

    Replicas of a bad version all log the same; a time, a port or an address in it may differ.
    """
    found: dict[tuple[str, ...], tuple[list[str], Mapping[str, Any]]] = {}
    for host, containers in sorted(sick.items()):
        for one in containers:
            key = tuple(NUMBER.sub("0", line) for line in (one["reason"], *one["logs"]))
            found.setdefault(key, ([], one))[0].append(f"{host} / {one['name']}")
    return list(found.values())


def evidence(names: list[str], sick: Mapping[str, Any]) -> list[str]:
    """The last answer, the health log and the last log lines of containers that say the same."""
    lines = [f"  ── {', '.join(names)}: {sick['reason']}"]
    if sick["answer"]:
        lines.append(f"     last answer: {sick['answer']}")
    lines += [f"     health log: {line}" for line in sick["health_log"]]
    lines.append(f"     last {len(sick['logs'])} log lines:")
    return lines + [f"     │ {line}" for line in sick["logs"]]


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
    lines = []
    for host, look in sorted(looks.items()):
        if look["outcome"] != "ok":
            lines += [f"{host}: {look['outcome']}: {look.get('reason', '')}"]
            continue
        state = look["state"]
        lines.append(f"{host}: live {state['live'] or 'nothing'}")
        for name, held in sorted(state["slots"].items()):
            lines.append(f"  {name}: {slot_line(name, held, look)}")
        good = {entry["release"]: entry["good"] for entry in state["history"]}
        kept = [f"{r}{'' if good.get(r) else ' (not a rollback target)'}" for r in look["releases"]]
        lines.append(f"  kept: {', '.join(kept) or 'none'}")
        if state["run"]:
            run = state["run"]
            lines.append(
                f"  open run: {run['kind']} of {run['to']} by {store.owner(run['by'])} since "
                f"{run['started']}, phase {run['phase']}; if it has died, run recover.yml"
            )
        if look["map"]["runtime"] != look["map"]["file"]:
            lines.append("  the edge's running map is not the one in its file; run recover.yml")
        lines += [f"  problem: {problem}" for problem in look["problems"]]
    return lines


def slot_line(name: str, held: Mapping[str, Any], look: Mapping[str, Any]) -> str:
    """`blue live v1-… (2 running), green v0-… (2 stopped)`."""
    parts = []
    for slot in ("blue", "green"):
        if not held[slot]:
            continue
        mine = [c for c in look["containers"] if (c["service"], c["slot"]) == (name, slot)]
        running = sum(c["running"] for c in mine)
        live = " live" if held["live"] == slot else ""
        parts.append(f"{slot}{live} {held[slot]} ({running} of {len(mine)} running)")
    return ", ".join(parts) or "nothing"
