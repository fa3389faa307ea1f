"""What the callback plugin does with signals while hosts are locked, and with what status a run ends."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delight import decide, fleet

PLUGIN = Path(__file__).resolve().parents[2] / "plugins/callback/outcome.py"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def load() -> Any:
    spec = importlib.util.spec_from_file_location("outcome_plugin", PLUGIN)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULE = load()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that the process has sent to itself, in place of its end."""
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
    return sent


@pytest.fixture
def callback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The plugin as Ansible loads it, with what it printed in `said`."""
    monkeypatch.setenv(fleet.STOP, "")
    before = {number: signal.getsignal(number) for number in SIGNALS}
    found = MODULE.CallbackModule()
    found.said = []
    found._display = SimpleNamespace(display=lambda text, color="": found.said.append(text))
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


def task(action: str, **args: str) -> SimpleNamespace:
    return SimpleNamespace(action=action, args=args)


LOCK, MEND, REPORT = (
    task("act", name="lock"),
    task("act", name="mend"),
    task("fleet", decide="report"),
)


def result(of: SimpleNamespace, **said: Any) -> SimpleNamespace:
    return SimpleNamespace(task=of, result=said)


def guarded() -> bool:
    """Whether the signals have handlers of the plugin's."""
    handlers = {getattr(signal.getsignal(number), "__name__", "") for number in SIGNALS}
    assert len(handlers & {"_on_signal"}) == 0 or handlers == {"_on_signal"}
    return handlers == {"_on_signal"}


@pytest.mark.promise("R2")
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("first", [LOCK, MEND])
def test_the_first_signal_only_asks_the_next_decision_to_stop(
    callback: Any, ended: list[int], number: int, first: Any
) -> None:
    callback.v2_playbook_on_task_start(first, False)
    signal.raise_signal(number)
    assert os.environ[fleet.STOP] == signal.Signals(number).name
    assert ended == []
    assert guarded()
    assert "stops at its next decision and puts every host back" in callback.said[0]


@pytest.mark.parametrize(("number", "end"), [*zip(SIGNALS, (2, 15, 15), strict=True)])
def test_the_second_signal_ends_at_once_and_says_what_is_next(
    callback: Any, ended: list[int], number: int, end: int
) -> None:
    callback.v2_playbook_on_task_start(LOCK, False)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(number)
    assert ended == [end]
    assert not guarded()
    assert os.environ[fleet.STOP] == "SIGTERM"
    assert "the next run (or recover.yml) ends what is left" in callback.said[1]


@pytest.mark.parametrize("before", [task("fleet", decide="plan"), task("guard"), None])
def test_no_signal_is_held_up_before_hosts_are_locked(callback: Any, before: Any) -> None:
    if before:
        callback.v2_playbook_on_task_start(before, False)
    assert not guarded()


def test_signals_are_held_up_until_the_report_begins(callback: Any) -> None:
    callback.v2_playbook_on_task_start(LOCK, False)
    for act in ("prepare", "stage", "switch", "settle", "undo"):
        callback.v2_playbook_on_task_start(task("act", name=act), False)
        assert guarded()
    callback.v2_playbook_on_task_start(REPORT, False)
    assert not guarded()


def test_a_plan_that_ends_the_run_gives_the_signals_back(callback: Any) -> None:
    callback.v2_playbook_on_task_start(MEND, False)
    plan = task("fleet", decide="plan")
    callback.v2_runner_on_ok(result(plan, text="UNCHANGED", exit_status=0))
    assert not guarded()


def status(callback: Any) -> int:
    """The status that the run ends with; 0 leaves it to Ansible."""
    try:
        callback.v2_playbook_on_stats(None)
    except SystemExit as end:
        return int(str(end.code))
    return 0


@pytest.mark.promise("R8")
@pytest.mark.parametrize("outcome", decide.EXIT_STATUS)
def test_a_run_ends_with_the_status_of_its_outcome(callback: Any, outcome: str) -> None:
    callback.v2_playbook_on_task_start(LOCK, False)
    number = decide.EXIT_STATUS[outcome]
    said = result(REPORT, text=outcome, exit_status=number)
    (callback.v2_runner_on_failed if number else callback.v2_runner_on_ok)(said)
    assert status(callback) == number
    assert callback.said == [outcome]


@pytest.mark.parametrize("of", [task("guard"), task("fleet", decide="check")])
def test_a_refusal_before_anything_is_20(callback: Any, of: Any) -> None:
    callback.v2_runner_on_failed(result(of, failed=True, outcome="refused", msg="so"))
    assert status(callback) == 20


@pytest.mark.parametrize("of", [task("guard"), task("fleet", decide="check"), task("debug")])
def test_an_error_of_our_own_before_anything_keeps_the_status_of_ansible(
    callback: Any, of: Any
) -> None:
    callback.v2_runner_on_failed(result(of, failed=True, msg="boom"))
    assert status(callback) == 0


@pytest.mark.promise("R8")
@pytest.mark.parametrize("decision", ["plan", "report"])
@pytest.mark.parametrize("word", [{}, {"outcome": "refused"}])
def test_a_run_that_breaks_off_with_hosts_locked_needs_attention(
    callback: Any, decision: str, word: dict[str, str]
) -> None:
    callback.v2_playbook_on_task_start(LOCK, False)
    broken = task("fleet", decide=decision)
    callback.v2_playbook_on_task_start(broken, False)
    callback.v2_runner_on_failed(result(broken, failed=True, msg="boom", **word))
    assert status(callback) == 22
    assert callback.said[0].startswith("NEEDS ATTENTION: this run ended without an outcome")
    assert "recover.yml" in callback.said[0]


def test_a_playbook_without_a_release_is_left_alone(callback: Any) -> None:
    callback.v2_playbook_on_task_start(task("act", name="look"), False)
    callback.v2_runner_on_failed(result(task("command"), failed=True, rc=1))
    assert (status(callback), callback.said) == (0, [])
