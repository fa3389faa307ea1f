"""What a run tells while it goes on, and the lines that people and machines get of it.

An event is a mapping of plain values: its name under "event", and the "phase" that goes on, where one does.

    run          kind, environment, version, hosts, check
    phase_begun  phase
    asked        act, hosts
    progress     host, text
    answered     act, host, outcome, seconds, and where there are any: reason, message
    note         text
    plan         to, live, hosts {host: [what changes]}, notes [text]
    phase_ended  phase, seconds, hosts {host: seconds}
    status       host, and what `report.standing` says of it
    signal       text
    outcome      what the result file says but for the acts; or exit_status and message
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from delight import report
from delight.report import Line

Event = Mapping[str, Any]
Tell = Callable[[Event], None]

# The seconds of more hosts than this say less than those of the slowest.
HOSTS_SHOWN = 4
# A phase that asked no host for anything is worth a line when it took this long.
NOTICED_S = 0.1


class Teller:
    """Gives the events of one run the phase that goes on and the seconds that have passed."""

    def __init__(self, send: Tell, clock: Callable[[], float] = time.monotonic) -> None:
        self._send = send
        self._clock = clock
        self._began = self._phase_began = self._asked = clock()
        self._phase = ""
        self._hosts: dict[str, float] = {}  # seconds that each has worked in this phase

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return round(self._clock() - self._began, 3)

    def tell(self, event: Event) -> None:
        """Pass an event on."""
        now, what = self._clock(), dict(event)
        if what["event"] == "phase_begun":
            self._phase, self._phase_began, self._hosts = what["phase"], now, {}
        elif what["event"] == "asked":
            self._asked = now
        elif what["event"] == "answered":
            what["seconds"] = round(now - self._asked, 3)
            worked = self._hosts.get(what["host"], 0.0) + what["seconds"]
            self._hosts[what["host"]] = round(worked, 3)
        elif what["event"] == "phase_ended":
            what |= {"seconds": round(now - self._phase_began, 3), "hosts": self._hosts}
        if self._phase:
            what["phase"] = self._phase
        if what["event"] == "phase_ended":
            self._phase = ""
        self._send(what)


def of_plan(planned: Mapping[str, Any]) -> dict[str, Any]:
    """The event of a plan that goes on."""
    hosts = {host: one["changes"] for host, one in planned["hosts"].items()}
    ours = {f"{host}: {line}" for host, changes in hosts.items() for line in changes}
    return {
        **{"event": "plan", "to": planned["to"], "live": planned["live"], "hosts": hosts},
        "notes": [line for line in planned["changes"] if line not in ours],
    }


def text(event: Event) -> list[Line]:
    """What a person reads of an event; of many there is nothing to read."""
    return WORDS[event["event"]](event)


def machine(event: Event) -> list[Line]:
    """The same event as one line of JSON."""
    return [(json.dumps(dict(event)), "")]


FORMS = {"text": text, "json": machine}


def show(event: Event, form: str, display: Callable[..., None]) -> None:
    """Print an event by Ansible's `display` (line, color)."""
    for line, colour in FORMS[form](event):
        display(line, color=colour or None)


def _run(event: Event) -> list[Line]:
    what = f"{event['kind'].upper()} {event['version']}".strip()
    where = f"{'to' if event['kind'] == 'deploy' else 'on'} {event['environment']}"
    check = " (check mode)" if event["check"] else ""
    return [(f"{what} {where}: {', '.join(event['hosts'])}{check}", "")]


def _progress(event: Event) -> list[Line]:
    return [(f"    {event['host']}: {event['text']}", "")]


def _answered(event: Event) -> list[Line]:
    """Why a host has failed stands in the outcome."""
    if event["act"] == "look":
        return []
    if event["outcome"] not in ("ok", "pending"):
        return [(f"    {event['host']}: {event['outcome']}", "red")]
    return [(f"    {event['host']}: {event['message']}", "")] if event.get("message") else []


def _note(event: Event) -> list[Line]:
    return [(f"    {event['text']}", "")]


def _plan(event: Event) -> list[Line]:
    """What changes, once for the hosts on which it does; all of them need no name."""
    found: dict[str, list[str]] = {}
    for host, changes in sorted(event["hosts"].items()):
        for line in changes:
            found.setdefault(line, []).append(host)
    shown = [
        line if len(on) == len(event["hosts"]) else f"{', '.join(on)}: {line}"
        for line, on in found.items()
    ]
    return [(f"    {line}", "") for line in [*shown, *event["notes"]]]


def _phase_ended(event: Event) -> list[Line]:
    hosts, seconds = event["hosts"], event["seconds"]
    if not hosts and seconds < NOTICED_S:
        return []
    each = ""
    if len(hosts) > HOSTS_SHOWN:
        slowest = max(hosts, key=lambda host: (hosts[host], host))
        each = f"  {len(hosts)} hosts, the slowest {slowest} {hosts[slowest]:.1f} s"
    elif len(hosts) > 1:
        each = "  " + " · ".join(f"{host} {hosts[host]:.1f} s" for host in sorted(hosts))
    return [(f"  {event['phase'].replace('_', ' '):<8} {seconds:6.1f} s{each}", "")]


def _signal(event: Event) -> list[Line]:
    return [(event["text"], "red")]


def _nothing(event: Event) -> list[Line]:
    return []


WORDS: dict[str, Callable[[Event], list[Line]]] = {
    "run": _run,
    "phase_begun": _nothing,
    "asked": _nothing,
    "progress": _progress,
    "answered": _answered,
    "note": _note,
    "plan": _plan,
    "phase_ended": _phase_ended,
    "status": lambda event: [(line, "") for line in report.of_host(event["host"], event)],
    "signal": _signal,
    "outcome": report.lines,
}
