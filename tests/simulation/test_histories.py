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
from tests.simulation.fleet import SERVICES, WEB, WORK, Ended, Fleet, Gone, operators
from tests.simulation.host import Host, install

API = SERVICES["api"]
SHAPES: dict[str, dict[str, Any]] = {
    "api": {"api": API},
    "three, never warm": {"api": {**API, "replicas": 3, "warm": "0s"}},
    "api and pages": {"api": API, "web": WEB},
    "api and a worker": {"api": API, "work": WORK},
    "all": {"api": API, "web": {**WEB, "warm": "0s"}, "work": {**WORK, "overlap": True}},
    "a singleton": {"api": API, "work": {**WORK, "singleton": True}},
}
NAMES = ("app1", "app2")
BOUNDARY = st.integers(0, 70)
ALL = bool(os.environ.get("SIMULATE_ALL"))


class Histories(RuleBasedStateMachine):
    """Two hosts, one application that changes, operators, and bad luck."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="history-"))
        self.patch = pytest.MonkeyPatch()
        install(self.patch)
        self.fleet = Fleet({name: Host(self.folder / name) for name in NAMES})
        operators(self.fleet, self.patch)
        self.versions = itertools.count(1)
        self.current = "v0"
        self.fleet.services = SHAPES["api"]
        watch(self.fleet)
        assert self.fleet.deploy(self.current).outcome == "released"

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, kind: str, unlucky: tuple[str, int, str] | None, **said: Any) -> Ended | None:
        """A run that may break somewhere; None where nobody is left to say how it ended."""
        for host in self.fleet.hosts.values():
            host.boundaries.begin()
        if unlucky:
            name, at, how = unlucky
            host = self.fleet.hosts[name]
            host.boundaries.planned[at] = lambda label: BREAKS[how](host, label)
        try:
            ended = self.fleet.run(kind, **said)
        except Gone:
            ended = None
        for host in self.fleet.hosts.values():
            host.boundaries.planned.clear()
        if ended and ended.outcome in ("released", "unchanged"):
            invariants.at_rest(self.fleet.hosts, ended.result["to"])
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
        self.fleet.hosts[name].reboot()

    @rule(name=st.sampled_from(NAMES))
    def restart_the_edge(self, name: str) -> None:
        self.fleet.hosts[name].edge.load()

    @rule(name=st.sampled_from(NAMES))
    def somebody_stops_what_is_warm(self, name: str) -> None:
        host = self.fleet.hosts[name]
        serves = set(host.runtime.values())
        for one in host.engine.containers.values():
            if f"{one['mine']['service']}-{one['mine']['slot']}" not in serves:
                one["State"].update(Running=False, ExitCode=137)

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


Histories.TestCase.settings = settings(
    max_examples=400 if ALL else 25,
    stateful_step_count=12,
    deadline=None,
    database=None,
    derandomize=not ALL,
    suppress_health_check=list(HealthCheck),
)
test_histories = pytest.mark.promise("R2", "R7", "C12")(Histories.TestCase)
