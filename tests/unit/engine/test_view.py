"""What the fleet lets each host do, and what counts as said: every act, every verdict, every stop."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from delight import fleet
from delight.view import RELEASE_ACTS, View

Said = dict[str, Any] | None
Bad = dict[str, Said]

OK: dict[str, Any] = {"outcome": "ok"}
MINE = {"stage": [{"service": "api"}], "workers": [{"service": "work"}], "seal": True}
PLAN = {"outcome": "go", "migrate": [{"service": "api"}], "hosts": {"a": MINE, "b": MINE}}
VERDICTS = {"may_stage": "stage", "may_switch": "switch", "stands": "seal"}
STOPS = ("", "SIGINT", "SIGTERM", "SIGHUP")
# Who does what in a run that goes well, in the order of the acts.
GOOD = {
    "lock": "a",
    "prepare": "ab",
    "migrate": "a",
    "stage": "ab",
    "switch": "ab",
    "workers": "ab",
    "seal": "ab",
    "settle": "ab",
    "undo": "",
}


class Hostvars(dict[str, Any]):
    def raw_get(self, host: str) -> Any:
        return self[host]


class Run:
    """What the hosts have registered so far; decisions stand with the first."""

    def __init__(self, plan: dict[str, Any] | None = PLAN, hosts: str = "ab") -> None:
        self.registered = Hostvars({host: {} for host in hosts})
        if plan:
            self.decide("plan", copy.deepcopy(plan))

    def decide(self, name: str, result: dict[str, Any]) -> None:
        self.registered[min(self.registered)][f"rollout_{name}"] = result

    def say(self, act: str, host: str, result: dict[str, Any]) -> None:
        self.registered[host][f"rollout_{act}"] = result

    def view(self, host: str = "a") -> View:
        return View(
            {
                "hostvars": self.registered,
                "ansible_play_hosts_all": list(self.registered),
                "inventory_hostname": host,
            }
        )

    def permitted(self, act: str) -> str:
        return "".join(host for host in self.registered if self.view(host).permits(act))

    def go_on(self, until: str, bad: Bad | None = None, kind: str = "deploy") -> Run:
        """All acts before `until`, each host that is permitted answering ok, or `bad[act]` on b."""
        for act in RELEASE_ACTS[: RELEASE_ACTS.index(until) + 1]:
            for verdict, then in VERDICTS.items():
                if then == act and kind != "migrate":
                    self.decide(verdict, fleet.DECISIONS[verdict](self.view(), None, kind, False))  # type: ignore[arg-type]
            if act == until:
                return self
            permitted = self.permitted(act)
            for host in self.registered:
                said: Said = {"outcome": "skipped", "skipped": True}
                if host in permitted:
                    said = (bad or {}).get(act, OK) if host == max(permitted) else OK
                if said:
                    self.say(act, host, said)
        raise AssertionError(until)


@pytest.mark.parametrize(("act", "hosts"), GOOD.items())
def test_who_does_what_in_a_run_that_goes_well(act: str, hosts: str) -> None:
    assert Run().go_on(act).permitted(act) == hosts


@pytest.mark.parametrize("act", GOOD)
@pytest.mark.parametrize("plan", [None, {"outcome": "refused"}, {"outcome": "unchanged"}])
def test_no_act_without_a_plan_that_goes(act: str, plan: dict[str, Any] | None) -> None:
    assert Run(plan).go_on(act).permitted(act) == ""


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("act", GOOD)
def test_a_stop_forbids_all_that_follows_the_next_verdict_and_puts_back(
    act: str, verdict: str, stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run()
    order = list(GOOD)
    first = VERDICTS[verdict]
    if order.index(act) >= order.index(first):
        if first != "stage":
            run.go_on(order[order.index(first) - 1])
        monkeypatch.setenv(fleet.STOP, stop)
    run.go_on(act)
    late = order.index(act) >= order.index(first)
    expected = GOOD[act]
    if stop and late:
        expected = "ab" if act == "undo" else ""
    assert run.permitted(act) == expected


@pytest.mark.promise("R1", "R2")
@pytest.mark.parametrize("word", ["failed", "unreachable", "fenced"])
@pytest.mark.parametrize("bad", ["lock", "prepare", "migrate", "stage", "switch", "workers"])
@pytest.mark.parametrize("act", [*GOOD])
def test_one_bad_host_forbids_all_that_follows(act: str, bad: str, word: str) -> None:
    order = list(GOOD)
    run = Run().go_on(act, {bad: {"outcome": word, "reason": "so"}})
    if order.index(act) <= order.index(bad):
        expected = GOOD[act]
    elif act == "undo":
        # After a failed lock nobody else was claimed.
        expected = "a" if bad == "lock" else "ab"
    else:
        expected = ""
    assert run.permitted(act) == expected


@pytest.mark.parametrize("word", ["busy", "refused"])
def test_a_host_that_was_not_claimed_is_not_put_back(word: str) -> None:
    assert Run().go_on("undo", {"prepare": {"outcome": word}}).permitted("undo") == "a"
    assert Run().go_on("undo", {"lock": {"outcome": word}}).permitted("undo") == ""


def test_pending_migrations_put_back_before_anything_is_staged() -> None:
    run = Run().go_on("undo", {"migrate": {"outcome": "pending"}})
    assert run.permitted("stage") == ""
    assert run.permitted("undo") == "ab"


def test_a_host_with_nothing_to_stage_still_switches() -> None:
    run = Run({**PLAN, "hosts": {"a": MINE, "b": {**MINE, "stage": [], "workers": []}}})
    assert run.go_on("stage").permitted("stage") == "a"
    assert run.go_on("switch").permitted("switch") == "ab"
    assert run.go_on("workers").permitted("workers") == "a"


def test_no_seal_where_every_way_back_stays_warm() -> None:
    warm = {**MINE, "seal": False}
    run = Run({**PLAN, "hosts": {"a": warm, "b": warm}}).go_on("settle")
    assert (run.permitted("seal"), run.permitted("settle")) == ("", "ab")


def test_a_host_that_is_not_sealed_stops_the_settling_everywhere() -> None:
    assert Run().go_on("settle", {"seal": {"outcome": "failed"}}).permitted("settle") == ""


def test_a_fleet_of_one_locks_as_it_prepares_and_seals_as_it_settles() -> None:
    alone = {**PLAN, "hosts": {"a": MINE}}
    doing = {act for act in GOOD if Run(alone, "a").go_on(act).permitted(act)}
    assert doing == {"prepare", "migrate", "stage", "switch", "workers", "settle"}


def test_a_migration_as_a_step_of_its_own_only_unlocks() -> None:
    run = Run().go_on("undo", kind="migrate")
    assert {act for act in GOOD if run.permitted(act)} == {"lock", "prepare", "migrate", "undo"}


@pytest.mark.parametrize("do", ["undo", "finish"])
def test_only_hosts_with_an_open_run_are_mended(do: str) -> None:
    run = Run(None)
    run.decide("recovery", {"do": do, "hosts": ["b"]})
    assert run.permitted("mend") == "b"


@pytest.mark.parametrize("do", ["nothing", "busy", "attention"])
def test_nothing_is_mended_where_nothing_is_decided(do: str) -> None:
    run = Run(None)
    run.decide("recovery", {"do": do, "hosts": ["a", "b"]})
    assert run.permitted("mend") == ""


BROKEN_OFF: list[dict[str, Any] | None] = [
    None,  # its task never began
    {"failed": True, "msg": "boom", "changed": False},
    {"unreachable": True, "msg": "gone", "changed": False},
    {"failed": True, "timedout": {"period": 1}, "msg": "late"},
    {"skipped": True},  # by somebody else's condition
    {**OK, "failed": True},
]


@pytest.mark.parametrize("said", BROKEN_OFF)
@pytest.mark.parametrize("act", ["lock", "prepare", "migrate", "stage", "switch", "workers"])
def test_who_owes_an_outcome_and_gives_none_has_failed(
    act: str, said: dict[str, Any] | None
) -> None:
    run = Run().go_on("undo", {act: said})
    host = max(GOOD[act])
    found = run.view().act(act)[host]
    assert found["outcome"] == "failed"
    assert found["reason"].startswith(f"{act} gave no outcome: ")
    assert "boom" not in found["reason"]
    assert not run.view().decided("stands")
    assert run.permitted("undo") != ""
    assert run.permitted("settle") == ""


@pytest.mark.parametrize("said", BROKEN_OFF)
@pytest.mark.parametrize("act", ["seal", "settle"])
def test_a_host_that_does_not_say_that_it_settled_has_not(
    act: str, said: dict[str, Any] | None
) -> None:
    run = Run().go_on("undo", {act: said})
    assert run.view().acts()[act]["b"]["outcome"] == "failed"


@pytest.mark.parametrize("said", BROKEN_OFF[1:])
def test_who_owes_nothing_may_break_off(said: dict[str, Any]) -> None:
    run = Run().go_on("settle")
    run.say("migrate", "b", said)
    assert set(run.view().act("migrate")) == {"a"}


def test_a_deliberate_skip_is_no_failure() -> None:
    run = Run(None)
    run.decide("recovery", {"do": "undo", "hosts": ["a"]})
    run.say("mend", "a", {"outcome": "skipped", "skipped": True})  # as in check mode
    assert run.view().act("mend") == {}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_verdict_that_breaks_off_is_a_no_and_says_so(verdict: str) -> None:
    run = Run().go_on("settle")
    run.decide(verdict, {"failed": True, "msg": "boom"})
    assert run.permitted(VERDICTS[verdict]) == ""
    assert run.view().undecided() == {
        "fleet": f"{verdict} gave no outcome: Ansible ended it with the error shown above"
    }
    assert Run().go_on("settle").view().undecided() == {}
