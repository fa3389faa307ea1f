"""The fleet's decisions, over every state that hosts can be found in."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import ExitCode
from delight import decide

from .conftest import make_look

DOCS = Path(__file__).resolve().parents[3] / "docs/how-a-deploy-works.md"
ME = {"name": "me@there", "pid": 7}
BEFORE, AFTER = {"*/": "api-blue"}, {"*/": "api-green"}
EARLY = ("locked", "preparing", "prepared", "migrating", "migrated", "staging", "staged")
LATE = ("switched", "moving", "moved", "settling")


def host(
    phase: str | None, to: str = "v2", moved: bool = False, workers: bool = False
) -> dict[str, Any]:
    """A host whose open run is in `phase`; for `switching` the map tells whether it moved."""
    if phase is None:
        return make_look()
    run: dict[str, Any] = {
        "id": "r1",
        "kind": "deploy",
        "to": to,
        "phase": phase,
        "by": ME,
        "started": "noon",
    }
    run["workers"] = workers
    if phase in ("switching", *LATE, "sealed"):
        run |= {"before": BEFORE, "after": AFTER}
    look = make_look(run=run)
    look["map"]["file"] = AFTER if moved or phase in (*LATE, "sealed") else BEFORE
    return look


def closed(outcome: str) -> dict[str, Any]:
    return make_look(last={"id": "r1", "release": "v2", "outcome": outcome, "time": ""})


def do(*hosts: dict[str, Any], wanted: str | None = "v2") -> str:
    return decide.recovery({f"h{n}": one for n, one in enumerate(hosts)}, wanted).do


def held(look: dict[str, Any], **said: Any) -> dict[str, Any]:
    """That host, with another conductor at work on it."""
    note = {
        "pid": 5,
        "since": "noon",
        "act": "stage",
        "run": "r1",
        "kind": "deploy",
        "release": "v2",
    }
    return {**look, "held": {**note, "by": "me@there:7", "once": False, **said}}


@pytest.mark.parametrize("phases", list(itertools.product((*EARLY, None), repeat=2)))
def test_nobody_switched_so_the_new_slots_go(phases: tuple[str | None, ...]) -> None:
    expected = "nothing" if phases == (None, None) else "undo"
    assert do(*map(host, phases)) == expected


@pytest.mark.parametrize(("late", "early"), list(itertools.product(LATE, (*EARLY, None))))
def test_some_switched_so_all_go_back(late: str, early: str | None) -> None:
    assert do(host(late), host(early)) == "undo"


@pytest.mark.parametrize("phases", list(itertools.product(LATE, repeat=2)))
def test_all_switched_goes_on_if_the_same_release_is_wanted(phases: tuple[str, ...]) -> None:
    assert do(*map(host, phases)) == "finish"
    assert do(*map(host, phases), wanted="v3") == "undo"
    assert do(*map(host, phases), wanted=None) == "undo"


@pytest.mark.parametrize("other", (*EARLY, *LATE, "sealed", None))
def test_a_sealed_host_leaves_only_forward(other: str | None) -> None:
    assert do(host("sealed"), host(other), wanted="v3") == "finish"


@pytest.mark.parametrize("phases", list(itertools.product(LATE, repeat=2)))
def test_workers_that_have_not_moved_everywhere_keep_it_from_being_finished(
    phases: tuple[str, ...],
) -> None:
    done = set(phases) <= {"moved", "settling"}
    assert do(*(host(phase, workers=True) for phase in phases)) == ("finish" if done else "undo")


@pytest.mark.parametrize("phase", LATE)
def test_a_host_that_closed_as_released_leaves_only_forward(phase: str) -> None:
    assert do(closed("released"), host(phase), wanted="v3") == "finish"


@pytest.mark.parametrize("phase", (*EARLY, *LATE))
def test_a_host_that_was_put_back_leaves_only_backward(phase: str) -> None:
    assert do(closed("rolled back"), host(phase)) == "undo"


def test_within_the_switch_the_map_file_is_the_authority() -> None:
    assert do(host("switching", moved=True), host("switched")) == "finish"
    assert do(host("switching", moved=False), host("switched")) == "undo"


def test_an_unreachable_host_needs_attention_while_a_run_is_open() -> None:
    lost = {"outcome": "unreachable", "reason": "gone"}
    assert do(host("staged"), lost) == "attention"
    assert do(host(None), lost) == "nothing"


@pytest.mark.promise("C9")
def test_a_run_whose_conductor_holds_a_host_is_waited_for_and_named() -> None:
    looks = {"a": held(host("staged")), "b": host("staging"), "c": host(None)}
    found = decide.recovery(looks, "v2")
    assert (found.do, found.hosts) == ("busy", ["a"])
    assert found.reason == (
        "deploy of v2 by me@there:7 is running; wait for it (since noon, staged on a, staging on b). "
        "If it must end, run recover.yml -e takeover=me@there:7"
    )


@pytest.mark.promise("C9")
def test_a_run_that_has_opened_nothing_yet_holds_its_hosts_too() -> None:
    found = decide.recovery({"a": held(host(None), act="lock"), "b": host(None)}, "v2")
    assert found.do == "busy"
    assert "wait for it (since noon, lock on a)" in found.reason


def test_the_one_that_lives_is_named_not_the_one_that_died() -> None:
    other = host("staging", to="v9")
    other["state"]["run"] |= {"id": "r2", "by": {"name": "you@here", "pid": 8}}
    lease = {"run": "r2", "release": "v9", "by": "you@here:8"}
    found = decide.recovery({"a": host("staged"), "b": held(other, **lease)}, "v2")
    assert found.do == "busy"
    assert found.reason.startswith("deploy of v9 by you@here:8 is running")
    assert "staged on a" not in found.reason


OK = {"outcome": "ok"}


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ({"lock": {"a": OK}, "settle": {"a": OK, "b": OK}}, decide.RELEASED),
        ({"settle": {"a": OK, "b": {"outcome": "unreachable"}}}, decide.ATTENTION),
        (
            {"stage": {"a": OK, "b": {"outcome": "failed"}}, "undo": {"a": OK, "b": OK}},
            decide.ROLLED_BACK,
        ),
        (
            {
                "switch": {"a": OK, "b": {"outcome": "unreachable"}},
                "undo": {"a": OK, "b": {"outcome": "unreachable"}},
            },
            decide.ATTENTION,
        ),
        ({"lock": {"a": {"outcome": "busy"}}}, decide.REFUSED),
        (
            {"lock": {"a": OK}, "migrate": {"a": {"outcome": "pending"}}, "undo": {"a": OK}},
            decide.REFUSED,
        ),
        (
            {"lock": {"a": OK}, "migrate": {"a": {"outcome": "failed"}}, "undo": {"a": OK}},
            decide.ROLLED_BACK,
        ),
        (
            {"lock": {"a": OK}, "prepare": {"a": OK, "b": {"outcome": "unfit"}}, "undo": {"a": OK}},
            decide.REFUSED,
        ),
        ({"seal": {"a": OK, "b": {"outcome": "failed"}}}, decide.ATTENTION),
        ({"switch": {"a": OK, "b": {"outcome": "fenced"}}, "undo": {"a": OK}}, decide.ATTENTION),
        ({"prepare": {"a": {"outcome": "fenced"}}, "undo": {"a": OK}}, decide.ATTENTION),
        ({"stage": {"a": OK}, "undo": {"a": {"outcome": "fenced"}}}, decide.ATTENTION),
    ],
)
def test_the_outcome_of_a_run(acts: Any, expected: str) -> None:
    assert decide.conclude(acts, "deploy")[0] == expected


def test_a_stop_signal_puts_back_even_where_all_went_well() -> None:
    acts = {"stage": {"a": OK}, "undo": {"a": OK}}
    assert decide.conclude(acts, "deploy", stop="SIGTERM asked for it")[0] == decide.ROLLED_BACK


def test_an_error_of_our_own_is_never_a_refusal() -> None:
    errors = {"phase plan": "KeyError in plan.py:7"}
    assert decide.conclude({}, "deploy", errors=errors) == (decide.ATTENTION, errors)
    back = {"lock": {"a": OK}, "undo": {"a": OK}}
    assert decide.conclude(back, "deploy", errors=errors) == (decide.ROLLED_BACK, errors)


def test_a_host_that_nobody_asked_to_end_the_run_needs_attention() -> None:
    acts = {"lock": {"a": OK, "b": OK}, "undo": {"a": OK}}
    outcome, reasons = decide.conclude(acts, "deploy", left_open=["b"])
    assert (outcome, list(reasons)) == (decide.ATTENTION, ["b"])


def documented() -> dict[str, int]:
    """{outcome: status} as the docs' table has them."""
    rows = re.findall(r"^\| (`.+?) \| .* \| (\d+) \|$", DOCS.read_text(), re.MULTILINE)
    return {word: int(status) for words, status in rows for word in re.findall("`(.+?)`", words)}


@pytest.mark.promise("R8")
def test_statuses_are_the_documented_ones() -> None:
    assert documented() == decide.EXIT_STATUS


def test_no_outcome_can_be_taken_for_an_end_of_ansible_itself() -> None:
    bad = {status for status in decide.EXIT_STATUS.values() if status}
    assert not bad & {int(code) for code in ExitCode}
    assert all(decide.EXIT_STATUS[word] for word in ("refused", "rolled back", "needs attention"))
