"""How a run ends: its outcome, status, text and result file, from what hosts and decisions said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delight import decide, report, results
from delight.errors import ConfigError

from .conftest import make_look

pytestmark = pytest.mark.promise("R8")
OK = {"outcome": "ok"}
BACK = {"outcome": "ok", "live": "v1-a"}
PLAN = {"outcome": "go", "to": "v2-b", "live": "v1-a"}


def end(
    acts: dict[str, Any], kind: str = "deploy", stop: str = "", path: str = "", **more: Any
) -> dict[str, Any]:
    """The last word of a run that locked hosts; `more` are `planned` and what `of_run` takes."""
    planned = more.pop("planned", PLAN)
    return published(results.of_run(acts, planned, kind, stop, **more), ["a", "b"], path)


def published(result: dict[str, Any], hosts: list[str], path: str = "") -> dict[str, Any]:
    """The last word, with what a person reads of it under `text`."""
    word = results.publish(result, hosts, path, 11.42)
    return word | {"text": report.summary(word)}


def headline(word: dict[str, Any]) -> str:
    return str(word["text"]).splitlines()[0]


def both(outcome: dict[str, Any]) -> dict[str, Any]:
    return {"a": outcome, "b": outcome}


@pytest.mark.parametrize(
    ("kind", "stop", "acts", "status", "first"),
    [
        ("deploy", "", {"settle": both(OK)}, 0, "RELEASED v2-b on a, b in 11.4 s"),
        ("deploy", "SIGINT", {"settle": both(OK)}, 0, "RELEASED v2-b on a, b in 11.4 s"),
        (
            "deploy",
            "",
            {"stage": {"a": OK, "b": {"outcome": "failed"}}, "undo": both(BACK)},
            21,
            "ROLLED BACK: v1-a serves on a, b",
        ),
        (
            "rollback",
            "SIGTERM",
            {"lock": {"a": OK}, "undo": {"a": BACK}},
            21,
            "NOT ROLLED BACK to v2-b: v1-a still serves on a, b",
        ),
        ("rollback", "", {"settle": both(OK)}, 0, "ROLLED BACK TO v2-b on a, b in 11.4 s"),
        ("deploy", "", {"lock": {"a": {"outcome": "busy"}}}, 20, "REFUSED: nothing was touched"),
        ("deploy", "SIGHUP", {"lock": {"a": {"outcome": "busy"}}}, 20, "REFUSED: nothing was"),
        (
            "migrate",
            "",
            {"migrate": {"a": OK}, "undo": both(BACK)},
            0,
            "MIGRATED with v2-b; v1-a serves as before",
        ),
        (
            "migrate",
            "",
            {"migrate": {"a": {"outcome": "failed"}}, "undo": both(BACK)},
            21,
            "ROLLED BACK: v1-a serves on a, b",
        ),
        (
            "deploy",
            "",
            {"settle": {"a": OK, "b": {"outcome": "failed", "reason": "gone"}}},
            22,
            "NEEDS ATTENTION: the hosts may not agree",
        ),
        (
            "deploy",
            "",
            {"stage": both({"outcome": "fenced", "reason": "taken"}), "undo": both(BACK)},
            22,
            "NEEDS ATTENTION: the hosts may not agree",
        ),
    ],
)
def test_the_last_word(kind: str, stop: str, acts: dict[str, Any], status: int, first: str) -> None:
    found = end(acts, kind, stop)
    assert found["exit_status"] == status
    assert headline(found).startswith(first)


def test_what_serves_is_what_the_hosts_say_not_what_the_plan_had_seen() -> None:
    acts = {"stage": both({"outcome": "failed"}), "undo": both({**OK, "live": "v3-c"})}
    assert headline(end(acts)) == "ROLLED BACK: v3-c serves on a, b"


def test_hosts_that_went_back_to_nothing_say_so() -> None:
    acts = {"stage": both({"outcome": "failed"}), "undo": both({**OK, "live": None})}
    assert headline(end(acts)) == "ROLLED BACK: no release serves on a, b"


def test_attention_says_which_host_why_and_what_to_run() -> None:
    acts = {"settle": {"a": OK, "b": {"outcome": "unreachable", "reason": "cannot be reached"}}}
    assert end(acts)["text"].splitlines()[1:] == [
        "  b: cannot be reached",
        "  → status.yml shows what serves",
        "  → recover.yml shows and mends what is left",
    ]


def test_who_asked_to_stop_is_named() -> None:
    found = end({"stage": both(OK), "undo": both(BACK)}, stop="SIGTERM asked for it")
    assert "  stopped: SIGTERM asked for it" in found["text"]


def test_a_phase_that_broke_off_is_never_a_refusal() -> None:
    acts = {"lock": {"a": OK}, "prepare": both(OK), "undo": both(BACK)}
    found = end(acts, errors={"phase stage": "KeyError in params.py:9"})
    assert found["exit_status"] == 21
    assert "  phase stage: KeyError in params.py:9" in found["text"]


def test_migrations_that_were_applied_are_told_where_the_release_is_put_back() -> None:
    acts = {"migrate": {"a": {**OK, "applied": ["r1"]}}, "stage": both({"outcome": "failed"})}
    found = end({**acts, "undo": both(BACK)})
    assert "  these migrations were applied and stay:\n    r1" in found["text"]
    assert "applied" not in end({**acts, "stage": both(OK), "settle": both(OK)})["text"]


def test_a_refusal_after_something_was_prepared_does_not_claim_that_nothing_was() -> None:
    pending = {"migrate": {"a": {"outcome": "pending", "pending": {}}}, "undo": both(BACK)}
    found = end({"prepare": both({**OK, "changed": True}), **pending})
    assert headline(found) == "REFUSED: no traffic was touched; what was prepared is removed again"


def test_pending_migrations_are_listed_with_the_way_out() -> None:
    pending = {"outcome": "pending", "pending": {"api": ["r1", "r2"]}}
    acts = {"lock": {"a": OK}, "migrate": {"a": pending}, "undo": both(BACK)}
    found = end(acts)
    assert found["exit_status"] == 20
    assert found["text"].splitlines()[1:] == [
        "  api has pending migrations:",
        "    r1",
        "    r2",
        "  a: migrations are pending; run migrate.yml, or deploy with -e migrate=before",
    ]


def test_a_skipped_gate_is_told_with_the_release() -> None:
    found = end({"settle": both(OK)}, planned={**PLAN, "skip_gate": True})
    assert "the gate was skipped: nothing says that this release is well" in found["text"]


def sick(name: str, *logs: str, reason: str = "no good answer") -> dict[str, Any]:
    return {"name": name, "event": "timeout", "reason": reason, "answer": "503 no",
            "health_log": ["exit 1: no"], "logs": list(logs)}  # fmt: skip


def failed(*found: dict[str, Any]) -> dict[str, Any]:
    """The outcome of `stage` on a host with these sick containers."""
    reason = "; ".join(f"{one['name']}: {one['reason']}" for one in found)
    return {"outcome": "failed", "reason": reason, "sick": list(found)}


@pytest.mark.promise("G4")
def test_what_is_known_of_sick_containers_is_shown_once_for_all_that_say_the_same() -> None:
    stage = {
        "a": failed(sick("api-1", "at 10:00:01 on a: no 10.89.0.2"), sick("web-1", "a word")),
        "b": failed(sick("api-1", "at 10:00:02 on b: no 10.89.1.7")),
        "c": failed(sick("api-1", "at 10:00:03 on c: no 10.89.2.9")),
    }
    assert end({"stage": stage, "undo": both(BACK)})["text"].splitlines() == [
        "  ── a, b, c / api-1",
        "     last answer: 503 no",
        "     health log: exit 1: no",
        "     last 1 log lines:",
        "     │ at 10:00:01 on a: no 10.89.0.2",
        "  ── a / web-1",
        "     last answer: 503 no",
        "     health log: exit 1: no",
        "     last 1 log lines:",
        "     │ a word",
        "ROLLED BACK: v1-a serves on a, b",
        "  a: api-1: no good answer; web-1: no good answer",
        "  b, c: api-1: no good answer",
    ]


@pytest.mark.promise("G4")
@pytest.mark.parametrize("file", ["", "kept.json"])
def test_of_many_log_lines_the_last_are_shown_and_it_is_said_where_all_are(
    tmp_path: Path, file: str
) -> None:
    trace = [f"line {number}" for number in range(50)]
    path = str(tmp_path / file) if file else ""
    acts = {"stage": both(failed(sick("api-1", *trace), sick("api-2", *trace))), "undo": both(BACK)}
    lines = end(acts, path=path)["text"].splitlines()
    place = f"in {path}" if file else "kept by -e result_file=FILE"
    assert lines[0] == "  ── a, b / api-1, api-2"
    assert lines[3] == f"     last 15 log lines, 35 more {place}:"
    assert [line for line in lines if "│" in line] == [f"     │ {one}" for one in trace[-15:]]
    if file:
        assert json.loads(Path(path).read_text())["sick"]["b"][1]["logs"] == trace


def test_hosts_that_name_the_same_reason_but_for_numbers_are_named_together() -> None:
    stage = {
        "a": {"outcome": "failed", "reason": "no answer at 10.89.1.101 within 4 s"},
        "b": {"outcome": "failed", "reason": "no room"},
        "c": {"outcome": "failed", "reason": "no answer at 10.89.2.101 within 4 s"},
    }
    assert end({"stage": stage, "undo": both(BACK)})["text"].splitlines()[1:] == [
        "  a, c: no answer at 10.89.1.101 within 4 s",
        "  b: no room",
    ]


def test_a_reason_of_a_container_that_its_host_has_not_told_stands_with_its_evidence() -> None:
    stage = {"a": failed(sick("api-1", "word")) | {"reason": "the edge does not see it as healthy"}}
    assert end({"stage": stage, "undo": both(BACK)})["text"].startswith(
        "  ── a / api-1: no good answer\n"
    )


def test_a_host_that_fails_and_cannot_be_put_back_tells_both() -> None:
    no = {"outcome": "failed", "reason": "no room"}
    acts = {"stage": {"a": OK, "b": failed(sick("api-1"))}, "undo": {"a": BACK, "b": no}}
    assert "  b: api-1: no good answer; then: no room" in end(acts)["text"]


def test_the_result_file_says_the_outcome_the_reasons_and_every_act(tmp_path: Path) -> None:
    path = tmp_path / "new folder/result.json"
    settled = {**OK, "message": "drained", "took_s": 1.5, "secret": "hunter22"}
    end({"settle": both(settled)}, path=str(path))
    found = json.loads(path.read_text())
    assert (found["outcome"], found["exit_status"], found["hosts"]) == ("released", 0, ["a", "b"])
    assert (found["kind"], found["to"], found["reasons"]) == ("deploy", "v2-b", {})
    assert found["acts"] == {"settle": both({**OK, "message": "drained", "took_s": 1.5})}


def test_a_result_file_that_cannot_be_written_changes_no_outcome(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = str(tmp_path / "file/result.json")
    found = end({"settle": both(OK)}, path=path)
    assert (found["exit_status"], headline(found)) == (0, "RELEASED v2-b on a, b in 11.4 s")
    assert "result_file is not written: " in found["text"]
    with pytest.raises(ConfigError, match="result_file: File exists: "):
        results.try_file(path)


def test_a_result_file_of_an_earlier_run_goes_before_anything_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text("an earlier run's")
    results.try_file(str(path))
    assert not path.exists()
    results.try_file("")


@pytest.mark.parametrize(
    ("planned", "status", "first"),
    [
        (PLAN, 0, "PLANNED: v2-b on a, b; check mode touched nothing"),
        ({**PLAN, "outcome": "unchanged"}, 0, "UNCHANGED: v2-b is live on a, b already"),
        ({"outcome": "refused", "reasons": {"plan": "no"}}, 20, "REFUSED: nothing was touched"),
    ],
)
def test_a_run_that_ends_with_its_plan(planned: Any, status: int, first: str) -> None:
    found = published(results.of_plan(planned, "deploy"), ["a", "b"])
    assert found["exit_status"] == status
    assert headline(found).startswith(first)


@pytest.mark.promise("H8")
@pytest.mark.parametrize(
    ("outcome", "touched", "first"),
    [
        ("go", [], "PLANNED: app2 leaves the fleet; check mode touched nothing"),
        ("unchanged", [], "UNCHANGED: app2 serves nothing and keeps nothing already"),
        (
            "unchanged",
            ["x was put back"],
            "UNCHANGED: app2 serves nothing and keeps nothing already; x",
        ),
    ],
)
def test_a_host_that_leaves_has_words_of_its_own(
    outcome: str, touched: list[str], first: str
) -> None:
    planned = results.of_plan({"outcome": outcome}, "retire") | {"touched": touched}
    assert headline(published(planned, ["app2"])).startswith(first)


@pytest.mark.promise("R7")
@pytest.mark.parametrize(
    ("do", "mend", "outcome"),
    [
        ("nothing", {}, decide.RECOVERED),
        ("undo", {"a": OK}, decide.RECOVERED),
        ("undo", {"a": {"outcome": "failed", "reason": "no"}}, decide.ATTENTION),
        ("attention", {}, decide.ATTENTION),
        ("busy", {}, decide.REFUSED),
        ("refused", {}, decide.REFUSED),
    ],
)
def test_a_recovery_ends_as_it_was_decided_and_done(do: str, mend: Any, outcome: str) -> None:
    looks = {"a": make_look(), "b": make_look()}
    found = results.of_recovery(decide.Recovery(do, "why"), looks, mend)
    assert found["outcome"] == outcome
    assert "why" in json.dumps(found) or mend


@pytest.mark.parametrize(
    ("look", "reason"),
    [
        (
            {"outcome": "unreachable", "reason": "gone"},
            "gone; the others go on without it by --limit '!b' -e allow_mixed=true",
        ),
        ({**make_look(), "problems": ["no edge", "no engine"]}, "no edge; no engine"),
    ],
)
def test_a_host_that_is_not_ready_is_named(look: Any, reason: str) -> None:
    looks = {"a": make_look(), "b": look}
    assert results.not_ready(decide.Recovery("nothing"), looks, {}) == {"b": reason}


def test_where_no_decision_is_safe_every_host_that_is_not_ready_is_named() -> None:
    looks = {"a": make_look(), "b": {"outcome": "refused", "reason": "its state is missing"}}
    unsafe = decide.Recovery("attention", "b cannot be asked")
    assert results.not_ready(unsafe, looks, {}) == {
        "fleet": "b cannot be asked",
        "b": "its state is missing",
    }
