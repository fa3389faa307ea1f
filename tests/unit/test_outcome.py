"""What the callback plugin does with signals while a run goes on, and with what status it ends."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delight import decide

PLUGIN = Path(__file__).resolve().parents[2] / "plugins/callback/outcome.py"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CONDUCTOR = 4242


def load() -> Any:
    spec = importlib.util.spec_from_file_location("outcome_plugin", PLUGIN)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULE = load()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(process, signal) of what would have been sent."""
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: found.append((pid, number)))
    monkeypatch.setattr(MODULE.link, "conductor", lambda playbook: CONDUCTOR)
    return found


@pytest.fixture
def word(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The conductor's last word, for a test to fill in; {} where it has begun nothing."""
    said: dict[str, Any] = {}
    monkeypatch.setattr(MODULE.link, "speak", lambda playbook, what, with_, tell: said)
    monkeypatch.setattr(MODULE.link, "begin", lambda playbook: None)
    return said


@pytest.fixture
def callback(word: dict[str, Any]) -> Iterator[Any]:
    """The plugin as Ansible loads it, with what it printed in `said`."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    found = MODULE.CallbackModule()
    found.said = []
    found._plugin_options = {"output": "text"}
    found._display = SimpleNamespace(display=lambda text, color: found.said.append((text, color)))
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


def task(action: str) -> SimpleNamespace:
    return SimpleNamespace(action=action)


PHASE, GUARD = task("phase"), task("guard")


def result(of: SimpleNamespace, **said: Any) -> SimpleNamespace:
    return SimpleNamespace(task=of, result=said)


def guarded() -> bool:
    """Whether the signals have handlers of the plugin's."""
    handlers = {getattr(signal.getsignal(number), "__name__", "") for number in SIGNALS}
    assert len(handlers & {"_on_signal"}) == 0 or handlers == {"_on_signal"}
    return handlers == {"_on_signal"}


def status(callback: Any, *processed: str) -> int:
    """The status that the run ends with; 0 leaves it to Ansible."""
    try:
        stats = SimpleNamespace(processed=dict.fromkeys(processed, 1), failures={}, dark={})
        callback.v2_playbook_on_stats(stats)
    except SystemExit as end:
        return int(str(end.code))
    return 0


@pytest.mark.promise("R2")
@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_only_asks_the_conductor_to_stop(
    callback: Any, sent: list[tuple[int, int]], number: int
) -> None:
    callback.v2_playbook_on_task_start(PHASE, False)
    signal.raise_signal(number)
    assert sent == [(CONDUCTOR, number)]
    assert guarded()
    assert "stops at its next step and puts every host back" in callback.said[0][0]


@pytest.mark.parametrize(("number", "end"), [*zip(SIGNALS, (2, 15, 15), strict=True)])
def test_the_second_signal_ends_both_at_once_and_says_what_is_next(
    callback: Any, sent: list[tuple[int, int]], number: int, end: int
) -> None:
    callback.v2_playbook_on_task_start(PHASE, False)
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(number)
    assert sent[1:] == [(CONDUCTOR, signal.SIGQUIT), (os.getpid(), end)]
    assert not guarded()
    assert "the next run (or recover.yml) ends what is left" in callback.said[1][0]


def test_no_signal_is_held_up_before_a_run_begins(callback: Any) -> None:
    callback.v2_playbook_on_task_start(GUARD, False)
    assert not guarded()


def test_signals_are_given_back_in_the_end(callback: Any) -> None:
    callback.v2_playbook_on_task_start(PHASE, False)
    callback.v2_playbook_on_task_start(PHASE, False)
    assert guarded()
    status(callback, "app1")
    assert not guarded()


@pytest.mark.promise("R8")
@pytest.mark.parametrize("outcome", decide.EXIT_STATUS)
def test_a_run_ends_with_the_status_of_its_outcome(
    callback: Any, word: dict[str, Any], outcome: str
) -> None:
    callback.v2_playbook_on_task_start(PHASE, False)
    number = decide.EXIT_STATUS[outcome]
    word |= {"event": "outcome", "outcome": outcome, "message": outcome, "exit_status": number}
    assert status(callback, "app1") == number
    assert callback.said == [(outcome, "red" if number else "green")]


@pytest.mark.parametrize("of", [GUARD, PHASE])
def test_a_refusal_before_anything_is_20_and_told_once(callback: Any, of: Any) -> None:
    callback.v2_playbook_on_task_start(of, False)
    callback.v2_runner_on_failed(result(of, failed=True, outcome="refused", msg="so"))
    assert status(callback, "app1") == 20
    assert callback.said == [("so", "red")]


@pytest.mark.parametrize("of", [GUARD, task("debug")])
def test_an_error_of_our_own_before_anything_keeps_the_status_of_ansible(
    callback: Any, of: Any
) -> None:
    callback.v2_runner_on_failed(result(of, failed=True, msg="boom"))
    assert status(callback, "app1") == 0


@pytest.mark.promise("R8")
def test_a_conductor_that_is_gone_needs_attention(
    callback: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*said: Any) -> None:
        raise EOFError

    monkeypatch.setattr(MODULE.link, "speak", gone)
    callback.v2_playbook_on_task_start(PHASE, False)
    assert status(callback, "app1") == 22
    told, colour = callback.said[0]
    assert told == "NEEDS ATTENTION: this run ended without an outcome: its conductor is gone"
    assert (colour, callback.said[-1]) == ("red", ("  → recover.yml ends what is left", None))


@pytest.mark.promise("R8")
@pytest.mark.parametrize(("name", "ends"), [("deploy.yml", 1), ("provision.yml", 0)])
def test_a_release_without_hosts_is_no_success(callback: Any, name: str, ends: int) -> None:
    callback.v2_playbook_on_start(SimpleNamespace(_file_name=f"/somewhere/{name}"))
    assert status(callback) == ends
    assert bool(callback.said) == bool(ends)


@pytest.mark.parametrize(("name", "machines"), [("deploy.yml", True), ("smoke.yml", False)])
def test_machines_get_a_line_of_json_of_a_release(callback: Any, name: str, machines: bool) -> None:
    callback._plugin_options = {"output": "json"}
    callback.v2_playbook_on_start(SimpleNamespace(_file_name=f"/somewhere/{name}"))
    callback.v2_runner_on_failed(result(GUARD, failed=True, outcome="refused", msg="so\nand so"))
    assert status(callback, "app1") == 20
    word = {"event": "outcome", "outcome": "refused", "exit_status": 20, "message": "so\nand so"}
    if machines:
        assert [json.loads(line) for line, _ in callback.said] == [word]
    else:
        assert [line for line, _ in callback.said] == ["so", "and so"]


def test_smoke_ends_with_its_own_words(callback: Any) -> None:
    callback.v2_runner_on_ok(result(task("smoke"), text="SMOKE FAILED", exit_status=23))
    assert (status(callback, "app1"), callback.said) == (23, [("SMOKE FAILED", "red")])


def test_a_playbook_without_a_release_is_left_alone(callback: Any) -> None:
    callback.v2_playbook_on_task_start(task("command"), False)
    callback.v2_runner_on_failed(result(task("command"), failed=True, rc=1))
    assert (status(callback, "app1"), callback.said) == (0, [])
