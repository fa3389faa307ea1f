"""Random histories: whatever happens in whatever order, nothing fails that serves, and all ends well.

Hypothesis makes them up and cuts a bad one down to what it takes; that one then gets a name in
`test_found.py`. `make test` tries a few, `make test-all` many more.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.simulation import invariants
from tests.simulation.breaking import BREAKS, watch
from tests.simulation.engine import Engine
from tests.simulation.fleet import SERVICES, WEB, WORK, Ended, Fleet, Gone, operators
from tests.simulation.host import CLOCK, Host, install

API = SERVICES["api"]
SHAPES: dict[str, dict[str, Any]] = {
    "api": {"api": API},
    "three, never warm": {"api": {**API, "replicas": 3, "warm": "0s"}},
    "api and pages": {"api": API, "web": WEB},
    "api and a worker": {"api": API, "work": WORK},
    "all": {"api": API, "web": {**WEB, "warm": "0s"}, "work": {**WORK, "overlap": True}},
    "a singleton": {"api": API, "work": {**WORK, "singleton": True}},
}
NAMES = ("app0", "app1", "app2")  # the first one joins later: singletons move to it
BOUNDARY = st.integers(0, 70)
ALL = bool(os.environ.get("SIMULATE_ALL"))


class Histories(RuleBasedStateMachine):
    """Hosts that come and go, one application that changes, operators, and bad luck."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="history-"))
        self.patch = pytest.MonkeyPatch()
        install(self.patch)
        self.fleet = Fleet({name: Host(self.folder / name) for name in NAMES[1:]})
        operators(self.fleet, self.patch)
        self.versions = itertools.count(1)
        self.left: dict[str, Host] = {}  # hosts that the inventory does not name any more
        self.current = "v0"
        self.fleet.services = SHAPES["api"]
        watch(self.fleet)
        assert self.fleet.deploy(self.current).outcome == "released"

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(
        self,
        kind: str,
        unlucky: tuple[str, int, str] | None,
        limit: set[str] | None = None,
        **said: Any,
    ) -> Ended | None:
        """A run that may break somewhere; None where nobody is left to say how it ended."""
        hosts = self.fleet.hosts
        for host in hosts.values():
            host.boundaries.begin()
        if unlucky and unlucky[0] in hosts:
            name, at, how = unlucky
            host = hosts[name]
            host.boundaries.planned[at] = lambda label: BREAKS[how](host, label)
        try:
            ended = self.fleet.run(kind, limit=limit, **said)
        except Gone:
            ended = None
        for host in hosts.values():
            host.boundaries.planned.clear()
            host.engine.away = False
        if ended and ended.outcome in ("released", "unchanged") and kind != "retire":
            chosen = {name: hosts[name] for name in ended.result["hosts"]}
            invariants.at_rest(chosen, ended.result["to"])
        return ended

    unlucky = st.none() | st.tuples(
        st.sampled_from(NAMES), BOUNDARY, st.sampled_from(sorted(BREAKS))
    )

    @rule(shape=st.sampled_from(sorted(SHAPES)), unlucky=unlucky)
    def deploy(self, shape: str, unlucky: tuple[str, int, str] | None) -> None:
        self.fleet.services = SHAPES[shape]
        self.current = f"v{next(self.versions)}"
        self._run("deploy", unlucky, version=self.current)

    @rule(unlucky=unlucky)
    def deploy_again(self, unlucky: tuple[str, int, str] | None) -> None:
        self._run("deploy", unlucky, version=self.current)

    @rule(unlucky=unlucky)
    def roll_back(self, unlucky: tuple[str, int, str] | None) -> None:
        self._run("rollback", unlucky)

    @rule(unlucky=unlucky)
    def recover(self, unlucky: tuple[str, int, str] | None) -> None:
        self._run("recover", unlucky)

    @rule(name=st.sampled_from(NAMES))
    def reboot(self, name: str) -> None:
        if name in self.fleet.hosts:
            self.fleet.hosts[name].reboot()

    @rule(name=st.sampled_from(NAMES))
    def restart_the_edge(self, name: str) -> None:
        if name in self.fleet.hosts:
            self.fleet.hosts[name].edge.load()

    @rule(name=st.sampled_from(NAMES))
    def somebody_stops_what_is_warm(self, name: str) -> None:
        if name in self.fleet.hosts:
            for one in idle(self.fleet.hosts[name]):
                one["State"].update(Running=False, ExitCode=137)

    @rule(name=st.sampled_from(NAMES))
    def the_engine_restarts_what_runs(self, name: str) -> None:
        """Somebody's `docker restart`, or a program that ended and was started again."""
        engine = self.fleet.hosts[name].engine if name in self.fleet.hosts else Engine()
        for container in engine.containers.values():
            if container["State"]["Running"]:
                engine.restart(container)

    @rule(name=st.sampled_from(NAMES))
    def somebody_removes_what_does_not_serve(self, name: str) -> None:
        if name in self.fleet.hosts:
            host = self.fleet.hosts[name]
            for one in idle(host):
                del host.engine.containers[one["Id"]]

    @rule(name=st.sampled_from(NAMES))
    def hours_pass(self, name: str) -> None:
        CLOCK.sleep(10_000)
        if name in self.fleet.hosts:
            self.fleet.hosts[name].act("sweep")

    @rule(name=st.sampled_from(NAMES), allow=st.booleans(), unlucky=unlucky)
    def a_part(self, name: str, allow: bool, unlucky: tuple[str, int, str] | None) -> None:
        """A deploy with --limit."""
        if name in self.fleet.hosts:
            self._run("deploy", unlucky, limit={name}, version=self.current, allow_mixed=allow)

    @rule(name=st.sampled_from(NAMES), unlucky=unlucky)
    def a_host_retires(self, name: str, unlucky: tuple[str, int, str] | None) -> None:
        """And stays in the inventory: the next deploy brings it up again."""
        if name in self.fleet.hosts:
            self._run("retire", unlucky, limit={name})

    @rule(name=st.sampled_from(NAMES))
    def a_host_is_replaced(self, name: str) -> None:
        """By a new machine of that name, or one of that name joins."""
        number = next(self.versions)
        self.fleet.hosts[name] = Host(self.folder / f"{name}-{number}")
        self.left.pop(name, None)
        watch(self.fleet)

    @rule(name=st.sampled_from(NAMES))
    def a_host_leaves(self, name: str) -> None:
        """The inventory does not name it any more; it goes on as it is."""
        if len(self.fleet.hosts) > 1 and name in self.fleet.hosts:
            self.left[name] = self.fleet.hosts.pop(name)

    @rule(name=st.sampled_from(NAMES))
    def it_comes_back(self, name: str) -> None:
        if name in self.left:
            self.fleet.hosts[name] = self.left.pop(name)
            watch(self.fleet)

    @rule(name=st.sampled_from(NAMES), unlucky=unlucky)
    def a_state_is_lost_for_a_while(self, name: str, unlucky: tuple[str, int, str] | None) -> None:
        """The file is moved away, somebody deploys, and it is put back."""
        host = self.fleet.hosts.get(name)
        if host and host.runtime:  # one that serves nothing is like a new one without its state
            file = host.root / "state.json"
            aside = file.rename(file.with_name("state.aside"))
            ended = self._run("deploy", unlucky, version=self.current)
            assert ended is None or ended.status not in (0, 21), ended.result
            assert not file.exists(), "nobody makes up a state"
            aside.rename(file)

    @invariant()
    def nothing_failed(self) -> None:
        assert not self.fleet.seen, self.fleet.seen[0]
        for host in self.fleet.hosts.values():
            invariants.serving(host)

    @rule()
    def all_ends_well(self) -> None:
        """Whatever was before: mended, and deployed, the fleet has one release."""
        mended = self._run("recover", None)
        assert mended and mended.outcome == "recovered", mended and mended.result
        ended = self._run("deploy", None, version=self.current)
        assert ended and ended.status == 0, ended and ended.result


def idle(host: Host) -> list[dict[str, Any]]:
    """The containers that carry no traffic: slots beside the live ones, and workers."""
    serves = set(host.runtime.values())
    found = host.engine.containers.values()
    return [one for one in found if f"{one['mine']['service']}-{one['mine']['slot']}" not in serves]


Histories.TestCase.settings = settings(
    max_examples=400 if ALL else 25,
    stateful_step_count=12,
    deadline=None,
    database=None,
    derandomize=not ALL,
    suppress_health_check=list(HealthCheck),
)
test_histories = pytest.mark.promise("R2", "R7", "C12")(Histories.TestCase)
