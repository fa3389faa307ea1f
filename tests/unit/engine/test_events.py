"""What people and machines read of a run's events, with seconds of a clock that the test winds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from delight import events, report

HOSTS = ["app1", "app2"]
OUTCOME = {"event": "outcome", "kind": "deploy", "to": "v2-b", "live": "v1-a", "hosts": HOSTS}


class Run:
    """Tells what the conductor and its hosts tell; seconds pass when they are said to."""

    def __init__(self) -> None:
        self.told: list[events.Event] = []
        self.now = 0.0
        self._teller = events.Teller(self.told.append, clock=lambda: self.now)

    def begins(self, kind: str = "deploy", version: str = "v2", check: bool = False) -> None:
        said = {"kind": kind, "environment": "staging", "version": version, "hosts": HOSTS}
        self._teller.tell({"event": "run", "check": check, **said})

    def phase(self, name: str, *acts: dict[str, tuple[float, dict[str, Any]]]) -> None:
        """A phase with acts of {host: (seconds after the act before, its outcome)}."""
        self._teller.tell({"event": "phase_begun", "phase": name})
        for act in acts:
            self._teller.tell({"event": "asked", "act": name, "hosts": sorted(act)})
            began = self.now
            for host, (seconds, outcome) in sorted(act.items(), key=lambda one: one[1][0]):
                self.now = began + seconds
                self._teller.tell({"event": "answered", "act": name, "host": host, **outcome})
        self._teller.tell({"event": "phase_ended", "phase": name})

    def ends(self, outcome: str, status: int, **more: Any) -> None:
        seconds = {"exit_status": status, "seconds": self._teller.seconds}
        self.told.append({**OUTCOME, "outcome": outcome, **seconds, **more})

    def tell(self, **event: Any) -> None:
        self._teller.tell(event)

    def read(self) -> list[str]:
        return [line for event in self.told for line, _ in events.text(event)]

    def colours(self) -> dict[str, str]:
        return {line: c for event in self.told for line, c in events.text(event) if c}


def ok(seconds: float, message: str = "") -> tuple[float, dict[str, Any]]:
    return seconds, {"outcome": "ok", "message": message}


@pytest.fixture
def run() -> Run:
    return Run()


def good(run: Run) -> None:
    """A deploy of two hosts that ends well."""
    run.begins()
    run.phase("recover", {"app1": ok(0.3), "app2": ok(0.4)})
    run.tell(event="phase_begun", phase="plan")
    plan = {"app1": ["api: new slot green", "work: ends"], "app2": ["api: new slot green"]}
    run.tell(event="plan", to="v2-b", live="v1-a", hosts=plan, notes=["the gate is skipped"])
    run.now += 0.25
    run.tell(event="phase_ended", phase="plan")
    run.phase("lock", {"app1": ok(0.1)}, {"app2": ok(0.1)})
    run.phase("migrate")
    run.tell(event="phase_begun", phase="stage")
    run.tell(event="progress", host="app2", text="waits for api-green-1 (503), 10 s so far")
    run.tell(event="asked", act="stage", hosts=HOSTS)
    run.now += 5
    run.tell(event="answered", act="stage", host="app1", outcome="ok", message="passed the gate")
    run.now += 1
    run.tell(event="answered", act="stage", host="app2", outcome="ok", message="passed the gate")
    run.tell(event="phase_ended", phase="stage")
    run.ends("released", 0)


def test_a_deploy_is_told_by_its_phases_with_the_seconds_of_each_host(run: Run) -> None:
    good(run)
    assert run.read() == [
        "DEPLOY v2 to staging: app1, app2",
        "  recover     0.4 s  app1 0.3 s · app2 0.4 s",
        "    api: new slot green",
        "    app1: work: ends",
        "    the gate is skipped",
        "  plan        0.2 s",
        "  lock        0.2 s  app1 0.1 s · app2 0.1 s",
        "    app2: waits for api-green-1 (503), 10 s so far",
        "    app1: passed the gate",
        "    app2: passed the gate",
        "  stage       6.0 s  app1 5.0 s · app2 6.0 s",
        "RELEASED v2-b on app1, app2 in 6.8 s",
    ]
    assert run.colours() == {"RELEASED v2-b on app1, app2 in 6.8 s": "green"}


def test_machines_get_every_event_with_its_phase(run: Run) -> None:
    good(run)
    told = [json.loads(line) for event in run.told for line, _ in events.machine(event)]
    assert len(told) == len(run.told)
    assert told[-2] == {
        **{"event": "phase_ended", "phase": "stage", "seconds": 6.0},
        "hosts": {"app1": 5.0, "app2": 6.0},
    }
    assert told[-3]["phase"] == "stage" and told[-3]["seconds"] == 6.0
    assert told[-1]["outcome"] == "released" and told[-1]["seconds"] == 6.85
    assert [one["event"] for one in told if one.get("phase") == "migrate"] == [
        "phase_begun",
        "phase_ended",
    ]


def test_a_deploy_that_fails_alike_on_two_hosts_ends_with_the_reason(run: Run) -> None:
    run.begins()
    reason = "api-green-1: its container exited with status 1"
    failed = {"outcome": "failed", "reason": reason}
    run.phase("stage", {"app1": (2.0, failed), "app2": (3.0, failed)})
    run.phase("put_back", {"app1": ok(0.5, "nothing had moved"), "app2": (0.5, {"outcome": "ok"})})
    sick = {"name": "api-green-1", "reason": "its container exited with status 1", "answer": "",
            "health_log": [], "logs": ["Traceback", "ImportError: redis"]}  # fmt: skip
    more = {"sick": {host: [sick] for host in HOSTS}, "next": ["status.yml shows more"]}
    run.ends("rolled back", 21, reasons=dict.fromkeys(HOSTS, reason), **more)
    assert run.read()[1:] == [
        "    app1: failed",
        "    app2: failed",
        "  stage       3.0 s  app1 2.0 s · app2 3.0 s",
        "    app1: nothing had moved",
        "  put back    0.5 s  app1 0.5 s · app2 0.5 s",
        "  ── app1, app2 / api-green-1",
        "     last 2 log lines:",
        "     │ Traceback",
        "     │ ImportError: redis",
        "ROLLED BACK: v1-a serves on app1, app2",
        f"  app1, app2: {reason}",
        "  → status.yml shows more",
    ]
    red = ["    app1: failed", "    app2: failed", "ROLLED BACK: v1-a serves on app1, app2"]
    assert run.colours() == dict.fromkeys([*red, f"  app1, app2: {reason}"], "red")


def test_of_many_hosts_the_slowest_is_told(run: Run) -> None:
    run.phase("stage", {f"app{number}": ok(float(number)) for number in range(1, 8)})
    assert run.read() == ["  stage       7.0 s  7 hosts, the slowest app7 7.0 s"]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"kind": "rollback", "version": ""}, "ROLLBACK on staging: app1, app2"),
        ({"kind": "rollback", "version": "v1-a"}, "ROLLBACK v1-a on staging: app1, app2"),
        ({"check": True}, "DEPLOY v2 to staging: app1, app2 (check mode)"),
    ],
)
def test_a_run_begins_with_what_it_is_for(run: Run, said: dict[str, Any], line: str) -> None:
    run.begins(**said)
    assert run.read() == [line]


def test_of_a_plan_what_no_host_says_is_a_note() -> None:
    planned = {
        **{"to": "v2-b", "live": "v1-a", "hosts": {"app1": {"changes": ["api: ends"]}}},
        "changes": ["app1: api: ends", "the gate is skipped"],
    }
    event = events.of_plan(planned)
    assert (event["hosts"], event["notes"]) == ({"app1": ["api: ends"]}, ["the gate is skipped"])


def test_a_run_before_anything_was_asked_of_a_host_shows_no_empty_phases(run: Run) -> None:
    for name in ("recover", "migrate", "report"):
        run.phase(name)
    run.tell(event="signal", text="SIGINT: this run stops")
    run.told.append(report.message({"outcome": "refused", "msg": "no such service\nand no other"}))
    assert run.read() == ["SIGINT: this run stops", "no such service", "and no other"]
    assert set(run.colours().values()) == {"red"}
