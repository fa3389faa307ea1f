"""The gate of replicas without a port, and the gate that is skipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from delight.host import docker, gate

from .replica import DIED, REPLICA, health


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Gate a worker whose image has the HEALTHCHECK `declared`, whose command ends as `ran` says."""

    def run(declared: Any, *ran: tuple[int | None, str], **changes: Any) -> dict[str, Any]:
        waiting = list(ran)

        def run_in(container: str, argv: list[str], bound_s: float) -> tuple[int | None, str]:
            asked.append((argv, bound_s))
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]

        asked: list[Any] = []
        monkeypatch.setattr(docker, "inspect", lambda c: {"Config": {"Healthcheck": declared}})
        monkeypatch.setattr(docker, "run_in", run_in)
        return gate.pass_worker(REPLICA, health(0, **changes)) | {"asked": asked}

    return run


CHECK = {"Test": ["CMD", "see", "it"]}


@pytest.mark.usefixtures("lives")
@pytest.mark.promise("G8")
def test_a_worker_passes_by_the_health_command_of_its_image(worker: Any) -> None:
    found = worker(CHECK, (1, "not yet"), (0, "well"), (1, "not quite"), (0, "well"))
    assert (found["passed"], found["answer"]) == (True, "well")
    # Three good answers in a row, as the gate asks of services with a port.
    assert [argv for argv, _ in found["asked"]] == [["see", "it"]] * 6


@pytest.mark.usefixtures("lives")
@pytest.mark.parametrize(
    ("test", "argv"),
    [
        (["CMD-SHELL", "see | it"], ["/bin/sh", "-c", "see | it"]),
        (["CMD", "see"], ["see"]),
    ],
)
def test_a_health_command_may_be_of_the_shell(worker: Any, test: Any, argv: Any) -> None:
    assert worker({"Test": test}, (0, ""))["asked"][0][0] == argv


@pytest.mark.usefixtures("lives")
def test_a_worker_that_stays_sick_fails_at_its_time(worker: Any) -> None:
    found = worker(CHECK, (1, "no queue"), timeout_s=0.05)
    assert (found["passed"], found["event"]) == (False, "timeout")
    assert (found["reason"], found["answer"]) == ("not healthy within 0.05 s", "no queue")


@pytest.mark.promise("C10")
@pytest.mark.usefixtures("lives")
@pytest.mark.parametrize(
    ("declared", "timeout_s", "bound_s"),
    [(7 * 10**9, 600, 7), (0, 600, 30), (None, 600, 30), (7 * 10**9, 0.05, 0.2)],
)
def test_a_health_command_has_the_bound_of_its_image(
    worker: Any, declared: int | None, timeout_s: float, bound_s: float
) -> None:
    timeout = {} if declared is None else {"Timeout": declared}
    found = worker({**CHECK, **timeout}, (0, ""), timeout_s=timeout_s)
    assert {bound for _, bound in found["asked"]} == {bound_s}


@pytest.mark.promise("C10")
@pytest.mark.usefixtures("lives")
def test_a_health_command_that_never_ends_is_no_health(worker: Any) -> None:
    said = "`see it` did not end within 7 s and was killed"
    found = worker(CHECK, (None, said), timeout_s=0.05)
    assert (found["passed"], found["event"], found["answer"]) == (False, "timeout", said)


@pytest.mark.promise("G7")
def test_a_worker_that_exits_fails_at_once(worker: Any, lives: Any) -> None:
    lives("", DIED)
    found = worker(CHECK, (1, ""))
    assert (found["passed"], found["event"], found["reason"]) == (False, "exited", DIED)


@pytest.mark.promise("G7")
@pytest.mark.parametrize("declared", [None, {}, {"Test": ["NONE"]}])
def test_a_worker_without_a_health_command_has_to_stay_up(
    worker: Any, lives: Any, declared: Any
) -> None:
    assert worker(declared, (1, ""))["passed"]
    lives("", "", DIED)
    found = worker(declared, (1, ""), steady_s=600)
    assert (found["passed"], found["event"]) == (False, "exited")


@pytest.mark.promise("G6")
def test_a_skipped_gate_asks_nothing_and_still_wants_it_to_stay_up(lives: Any) -> None:
    found = gate.skip(REPLICA, health(1))
    assert (found["passed"], found["event"], found["reason"]) == (True, "skipped", "")
    lives("", "", DIED)
    found = gate.skip(REPLICA, health(1, steady_s=600))
    assert (found["passed"], found["event"], found["reason"]) == (False, "exited", DIED)
