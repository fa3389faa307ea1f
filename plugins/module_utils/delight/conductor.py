"""A run over the fleet, from its first question to its last word. Read it from top to bottom.

    recover  plan  lock  prepare  migrate  stage  switch  workers  settle  put_back  report

The sequence and every decision in it stand here once and do no I/O: `Hosts` asks hosts for acts and brings
an outcome of each that was asked, `value` resolves what the configuration says. A host that owes an outcome
and gives none has failed, whatever the cause.

The playbooks' tasks, the simulated fleet of the tests and unit tests run the very same: each task is a phase
of this file by name. An error of our own in a phase ends the run as a failed host does.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from delight import decide, errors, events, params, planning, results, wanted
from delight.config import Value
from delight.decide import Outcome, Outcomes, Params, Recovery

PHASES = (
    *("recover", "plan", "lock", "prepare", "migrate", "stage"),
    *("switch", "workers", "settle", "put_back", "report"),
)


class Hosts(Protocol):
    """The fleet as the sequence sees it."""

    @property
    def everyone(self) -> list[str]:
        """All application hosts of the environment, sorted."""

    @property
    def chosen(self) -> list[str]:
        """Those that this run is for (`--limit`), sorted."""

    def ask(self, act: str, params: Params) -> dict[str, Outcome]:
        """Have hosts do an act, all at once; `params` is {host: its parameters}."""

    def stop(self) -> str:
        """What has asked this run to end, or nothing."""

    def tell(self, event: Mapping[str, Any]) -> None:
        """Have an event of this run shown; see `events`."""


class Run:
    """One deploy, rollback, migration, recovery or retirement. Each phase is called once, in the order of PHASES."""

    def __init__(
        self,
        kind: str,
        hosts: Hosts,
        value: Value,
        check_mode: bool = False,
        ask: planning.Ask | None = None,
    ) -> None:
        """`ask` brings what is wanted, where the registry has been asked ahead."""
        self.kind = kind
        self.ask = ask or (lambda: wanted.resolve(value))
        self.hosts = hosts
        self.value = value
        self.check_mode = check_mode
        self.looks: dict[str, Outcome] = {}
        self.planned: dict[str, Any] = {}
        self.acts: dict[str, dict[str, Outcome]] = {}  # {act: {host: outcome}}, of what was asked
        self.locked: set[str] = set()  # hosts on which this run may be open
        self.going = False  # from the plan on, until something keeps the fleet from going on
        self.committed = False  # every host has switched, and its new slots and workers run
        self.touched: list[str] = []  # what was done before the plan
        self.errors: dict[str, str] = {}  # {where: why} of errors outside of acts
        self.result: dict[str, Any] | None = None  # how it ended

    def phase(self, name: str) -> None:
        """One phase; whatever it raises keeps the fleet from going on, and what is locked is put back."""
        self.hosts.tell({"event": "phase_begun", "phase": name})
        try:
            getattr(self, name)()
        except Exception as error:
            self.going = False
            self.errors[f"phase {name}"] = errors.cause(error)
        self.hosts.tell({"event": "phase_ended", "phase": name})

    def broken_off(self, reasons: Mapping[str, str]) -> None:
        """Go no further: what stands outside of this run has failed."""
        self.going = False
        self.errors |= reasons

    # -- before anything is touched

    def recover(self) -> None:
        """Look at every host of the environment; end what an earlier run left open, or end here."""
        self.looks = self._look(self.hosts.everyone)
        ended: dict[str, Outcome] = {}
        recovery = self._take_over()
        if recovery is None:
            recovery, ended = self._end_earlier()
        if self.kind == "recover":
            self._ends(results.of_recovery(recovery, self.looks, ended))
        elif reasons := results.not_ready(recovery, self._chosen(), ended):
            self._ends(results.of_plan(planning.refused(reasons), self.kind))

    def _take_over(self) -> Recovery | None:
        """End the processes of the run whose owner was named, where they hold hosts; or why not."""
        named = str(self.value("takeover")) if self.kind == "recover" else ""
        if not named:
            return None
        if refusal := planning.no_owner(named, self.looks):
            return Recovery("refused", refusal)
        if lost := decide.failures(self.looks):
            return Recovery(
                "attention", f"nothing is taken over before every host answers: {in_one_line(lost)}"
            )
        held = {host: look["held"] for host, look in self.looks.items() if look["held"]}
        theirs = sorted(host for host, lease in held.items() if lease["by"] == named)
        if self.check_mode:
            return Recovery(
                "nothing", f"{named} would be ended on {', '.join(theirs) or 'no host'}"
            )
        asked = {host: params.evict(host, self.looks[host], self.value) for host in theirs}
        if reasons := decide.failures(self.hosts.ask("evict", asked)):
            return Recovery("attention", f"{named} could not be ended: {in_one_line(reasons)}")
        self.looks |= self._look(theirs)
        return None

    def _end_earlier(self) -> tuple[Recovery, dict[str, Outcome]]:
        """Decide, hold the hosts that it takes, and decide again by what they say while they are held."""
        recovery = planning.recovery(self.kind, self.looks, self.value, self.ask)
        if recovery.do not in decide.ENDS:
            return recovery, {}
        what = "finishing" if recovery.do == "finish" else "undoing"
        left = f"an earlier run was left open on {', '.join(recovery.hosts)}"
        self.hosts.tell({"event": "note", "text": f"{left}: {what} it, {recovery.reason}"})
        if self.check_mode:
            return Recovery("nothing", f"{left}; {what} it is left to a run without --check"), {}
        run = secrets.token_hex(8)
        first, *others = recovery.hosts
        for hosts in ([first], others):
            asked = {h: params.hold(h, self.kind, run, self.looks[h], self.value) for h in hosts}
            if reasons := decide.failures(self.hosts.ask("hold", asked)):
                return Recovery("busy", in_one_line(reasons)), {}
        self.looks |= self._look(self.hosts.everyone)
        recovery = planning.recovery(self.kind, self.looks, self.value, self.ask)
        if recovery.do not in decide.ENDS:
            return recovery, {}
        ended: dict[str, Outcome] = {}
        for hosts in in_turn(recovery.hosts, self._has_ended):
            failed = bool(decide.failures(ended))
            asked = {h: params.end(h, self.looks, self.value, failed) for h in hosts}
            ended |= self.hosts.ask(decide.ENDS[recovery.do], asked)
        done = "finished" if recovery.do == "finish" else "put back"
        self.touched.append(f"an earlier run was {done} on {', '.join(recovery.hosts)}")
        self.looks |= self._look(recovery.hosts)
        return recovery, ended

    def plan(self) -> None:
        """Compare what is wanted with what is live."""
        if self.result is not None or self.errors:
            return
        self.planned = planning.planned(self.kind, self._chosen(), self.looks, self.value, self.ask)
        if self.planned["outcome"] == "go":
            self.hosts.tell(events.of_plan(self.planned))
        if self.planned["outcome"] != "go" or self.check_mode:
            self._ends(results.of_plan(self.planned, self.kind))
        else:
            self.going = True

    # -- before the first request moves

    def lock(self) -> None:
        """The first host by name, then the others: of two runs at once, one goes on."""
        first, *others = self.hosts.chosen
        self._act("lock", [first])
        self._act("lock", others)

    def prepare(self) -> None:
        """Pull by digest, write the release, give the edge its backends, run each service's check.

        A rollback finds the release on its hosts, and brings it from one to those that joined later.
        """
        if self.kind == "retire":
            return
        if self.kind == "rollback":
            self._bring_along()
        self._act("prepare", self.hosts.chosen)

    def _bring_along(self) -> None:
        """Have a host that keeps the release bring its files, if another one needs them."""
        if not self.going:
            return
        kept = {host: look["releases"] for host, look in self._chosen().items()}
        if any(self.planned["to"] not in releases for releases in kept.values()):
            source = params.source(self.planned)
            self._act("export", [host for host, releases in kept.items() if source in releases][:1])

    def migrate(self) -> None:
        """List what is pending, or run it, once for the fleet; preparing has seen whether anything is."""
        first = self.hosts.chosen[:1]
        seen = [self.acts.get("prepare", {}).get(host, {}).get("pending") for host in first]
        if self.planned.get("migrate") and any(one is None or any(one.values()) for one in seen):
            self._act("migrate", first)

    def stage(self) -> None:
        """Start the new slots and hold every replica to the gate."""
        if self.kind == "migrate":
            self.going = False
        self._act("stage", self._with("stage"))

    # -- from here on traffic moves

    def switch(self) -> None:
        """Move the traffic of every host with one map commit."""
        self._act("switch", self.hosts.chosen)

    def workers(self) -> None:
        """Move the services without a port; with the last of them the release is committed.

        What moves to another host and must not run twice ends first.
        """
        ends = self._with("ends")
        self._act("workers", ends)
        self._act("workers", [host for host in self._with("workers") if host not in ends])
        self.committed = self.going and not self.hosts.stop()

    def settle(self) -> None:
        """Record the point of no return everywhere, then drain the old slots, prune and unlock."""
        if not self.committed:
            return
        if len(self.hosts.chosen) > 1 and any(
            self._mine(host)["seal"] for host in self.hosts.chosen
        ):
            self._ask("seal", self.hosts.chosen)
        if not decide.failures(self.acts.get("seal", {})):
            self._ask("settle", self.hosts.chosen)
        if self.kind == "retire" and not decide.failures(self.acts.get("settle", {})):
            stay = [host for host in self.looks if host not in self.hosts.chosen]
            self._ask("forget", [host for host in stay if self.looks[host]["outcome"] == "ok"])

    # -- and how it ends

    def put_back(self) -> None:
        """Unlock every locked host as it was before the run, unless the release is committed."""
        if not self.committed:
            for hosts in in_turn(sorted(self.locked), lambda host: self._mine(host)["ends"]):
                self._ask("undo", hosts)

    def report(self) -> dict[str, Any]:
        """The outcome, with the reasons."""
        if self.result is None:
            found = results.of_run(
                self.acts,
                self.planned,
                self.kind,
                self.hosts.stop(),
                self.errors,
                self._left_open(),
            )
            return self._ends(found)
        return self.result

    # --

    def _ends(self, result: dict[str, Any]) -> dict[str, Any]:
        """How the run ended; what was done before its plan stands first in what it has touched."""
        self.result = result | {"touched": [*self.touched, *result.get("touched", [])]}
        return self.result

    def _has_ended(self, host: str) -> bool:
        """Whether the open run of a host has ended there what it was to start on another one."""
        return bool(self.looks[host]["state"]["run"].get("ended"))

    def _left_open(self) -> list[str]:
        """Hosts on which this run may still be open: nobody has asked them to end it."""
        ended = self.acts.get("settle" if self.committed else "undo", {})
        sealed = decide.failures(self.acts.get("seal", {})) if self.committed else {}
        return sorted(self.locked - ended.keys() - sealed.keys())

    def _chosen(self) -> Outcomes:
        """The looks of the hosts that this run is for."""
        return {host: self.looks[host] for host in self.hosts.chosen}

    def look(self) -> Outcomes:
        """Every host of the environment as it is."""
        return self._look(self.hosts.everyone)

    def _look(self, hosts: list[str]) -> dict[str, Outcome]:
        return self.hosts.ask("look", {host: params.base(host, self.value) for host in hosts})

    def _act(self, act: str, hosts: list[str]) -> None:
        """Have hosts do a step of the release; one that does not end well ends it for all."""
        if self.hosts.stop():
            self.going = False
        if not self.going:
            return
        if act == "lock":
            self.locked |= set(hosts)
        outcomes = self._ask(act, hosts)
        if act == "lock":
            self.locked -= {h for h, o in outcomes.items() if o["outcome"] in decide.DECLINED}
        if decide.failures(outcomes):
            self.going = False

    def _ask(self, act: str, hosts: list[str]) -> dict[str, Outcome]:
        if not hosts:
            return {}
        known = params.Known(self.planned, self.looks, self.acts, self.value)
        outcomes = self.hosts.ask(act, {host: params.ACTS[act](known, host) for host in hosts})
        self.acts[act] = self.acts.get(act, {}) | outcomes
        return outcomes

    def _mine(self, host: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.planned["hosts"][host]
        return found

    def _with(self, key: str) -> list[str]:
        """The hosts whose plan has something to do under `key`."""
        return [host for host in self.hosts.chosen if self.going and self._mine(host)[key]]


def perform(run: Run) -> dict[str, Any]:
    """All phases, one after the other; the last word of the run."""
    for phase in PHASES:
        run.phase(phase)
    return run.report()


def in_turn(hosts: Iterable[str], ends: Callable[[str], object]) -> list[list[str]]:
    """Hosts in the order in which a run is undone: what it ended on the second starts there again after it has
    ended on the first. None of the two is empty."""
    turns = [[h for h in hosts if not ends(h)], [h for h in hosts if ends(h)]]
    return [turn for turn in turns if turn]


def in_one_line(reasons: Mapping[str, str]) -> str:
    """Reasons of hosts in one line."""
    return "; ".join(f"{host}: {reason}" for host, reason in sorted(reasons.items()))
