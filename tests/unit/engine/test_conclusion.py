"""How a run ends: its outcome, status, text and result file, from what hosts and decisions said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delight import conclusion, decide

from .conftest import make_look

pytestmark = pytest.mark.promise("R8")
OK = {"outcome": "ok"}
BACK = {"outcome": "ok", "live": "v1-a"}
PLAN = {"outcome": "go", "to": "v2-b", "live": "v1-a"}


class Said:
    """What a View tells, given."""

    def __init__(
        self,
        acts: dict[str, Any] | None = None,
        undecided: dict[str, str] | None = None,
        looks: dict[str, Any] | None = None,
        **decisions: Any,
    ) -> None:
        self.hosts = ["a", "b"]
        self._acts, self._undecided, self._looks = acts or {}, undecided or {}, looks or {}
        self._decisions = {"plan": PLAN, **decisions}

    def acts(self) -> dict[str, Any]:
        return self._acts

    def act(self, name: str) -> dict[str, Any]:
        return dict(self._acts.get(name, {}))

    def looks(self) -> dict[str, Any]:
        return self._looks

    def undecided(self) -> dict[str, str]:
        return self._undecided

    def mending(self) -> decide.Mending:
        found = {"do": "nothing", **self.decision("recovery")}
        return decide.Mending(found["do"], found.get("reason", ""))

    def decision(self, name: str) -> dict[str, Any]:
        return dict(self._decisions.get(name, {}))


def end(said: Said, kind: str = "deploy", stop: str = "", path: str = "") -> dict[str, Any]:
    """The last word of a run that locked hosts."""
    found = conclusion.of_run(said.acts(), said.decision("plan"), kind, stop, said.undecided())
    return conclusion.last_word(found, said.hosts, path)


def both(outcome: dict[str, Any]) -> dict[str, Any]:
    return {"a": outcome, "b": outcome}


@pytest.mark.parametrize(
    ("kind", "stop", "acts", "status", "headline"),
    [
        ("deploy", "", {"settle": both(OK)}, 0, "RELEASED v2-b on a, b"),
        ("deploy", "SIGINT", {"settle": both(OK)}, 0, "RELEASED v2-b on a, b"),
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
            "ROLLED BACK: v1-a serves on a, b",
        ),
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
def test_the_last_word(
    kind: str, stop: str, acts: dict[str, Any], status: int, headline: str
) -> None:
    found = end(Said(acts), kind, stop)
    assert (found["exit_status"], found["failed"]) == (status, status != 0)
    assert found["msg"].startswith(headline)
    assert found["text"].splitlines()[0] == found["msg"]


def test_what_serves_is_what_the_hosts_say_not_what_the_plan_had_seen() -> None:
    acts = {"stage": both({"outcome": "failed"}), "undo": both({**OK, "live": "v3-c"})}
    assert end(Said(acts))["msg"] == "ROLLED BACK: v3-c serves on a, b"


def test_hosts_that_went_back_to_nothing_say_so() -> None:
    acts = {"stage": both({"outcome": "failed"}), "undo": both({**OK, "live": None})}
    assert end(Said(acts))["msg"] == "ROLLED BACK: no release serves on a, b"


def test_attention_says_which_host_why_and_what_to_run() -> None:
    acts = {"settle": {"a": OK, "b": {"outcome": "unreachable", "reason": "cannot be reached"}}}
    assert end(Said(acts))["text"].splitlines()[1:] == [
        "  b: cannot be reached",
        "  → status.yml shows what serves",
        "  → recover.yml shows and mends what is left",
    ]


def test_who_asked_to_stop_is_named() -> None:
    said = Said({"stage": both(OK), "undo": both(BACK)})
    assert "  stopped: SIGTERM asked for it" in end(said, stop="SIGTERM")["text"]


def test_a_verdict_that_broke_off_is_never_a_refusal() -> None:
    acts = {"lock": {"a": OK}, "prepare": both(OK), "undo": both(BACK)}
    found = end(Said(acts, {"fleet": "may_stage gave no outcome"}))
    assert found["exit_status"] == 21
    assert "  fleet: may_stage gave no outcome" in found["text"]


def test_pending_migrations_are_listed_with_the_way_out() -> None:
    pending = {"outcome": "pending", "pending": {"api": ["r1", "r2"]}}
    acts = {"lock": {"a": OK}, "migrate": {"a": pending}, "undo": both(BACK)}
    found = end(Said(acts))
    assert found["exit_status"] == 20
    assert found["text"].splitlines()[1:] == [
        "  api has pending migrations:",
        "    r1",
        "    r2",
        "  a: migrations are pending; run migrate.yml, or deploy with -e migrate=before",
    ]


def test_a_skipped_gate_is_told_with_the_release() -> None:
    said = Said({"settle": both(OK)}, plan={**PLAN, "skip_gate": True})
    assert "the gate was skipped: nothing says that this release is well" in end(said)["text"]


def sick(name: str, *logs: str) -> dict[str, Any]:
    return {"name": name, "event": "timeout", "reason": "no good answer", "answer": "503 no",
            "health_log": ["exit 1: no"], "logs": list(logs)}  # fmt: skip


@pytest.mark.promise("G4")
def test_what_is_known_of_sick_containers_is_shown_once_for_all_that_say_the_same() -> None:
    def failed(*found: dict[str, Any]) -> dict[str, Any]:
        return {"outcome": "failed", "reason": "so", "sick": list(found)}

    stage = {
        "a": failed(sick("api-1", "at 10:00:01 no 10.89.0.2"), sick("api-2", "another word")),
        "b": failed(sick("api-1", "at 10:00:02 no 10.89.1.7")),
    }
    text = end(Said({"stage": stage, "undo": both(BACK)}))["text"]
    assert text.endswith(
        "  ── a / api-1, b / api-1: no good answer\n"
        "     last answer: 503 no\n"
        "     health log: exit 1: no\n"
        "     last 1 log lines:\n"
        "     │ at 10:00:01 no 10.89.0.2\n"
        "  ── a / api-2: no good answer\n"
        "     last answer: 503 no\n"
        "     health log: exit 1: no\n"
        "     last 1 log lines:\n"
        "     │ another word"
    )


def test_the_result_file_says_the_outcome_the_reasons_and_every_act(tmp_path: Path) -> None:
    path = tmp_path / "new folder/result.json"
    settled = {**OK, "told": "drained", "took_s": 1.5, "secret": "hunter22"}
    end(Said({"settle": both(settled)}), path=str(path))
    found = json.loads(path.read_text())
    assert (found["outcome"], found["exit_status"], found["hosts"]) == ("released", 0, ["a", "b"])
    assert (found["kind"], found["to"], found["reasons"]) == ("deploy", "v2-b", {})
    assert found["acts"] == {"settle": both({**OK, "told": "drained", "took_s": 1.5})}


def test_a_result_file_that_cannot_be_written_changes_no_outcome(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = end(Said({"settle": both(OK)}), path=str(tmp_path / "file/result.json"))
    assert (found["exit_status"], found["msg"]) == (0, "RELEASED v2-b on a, b")
    assert "result_file is not written: " in found["text"]


@pytest.mark.parametrize(
    ("planned", "status", "headline"),
    [
        (PLAN, 0, "PLANNED: v2-b on a, b; check mode touched nothing"),
        ({**PLAN, "outcome": "unchanged"}, 0, "UNCHANGED: v2-b is live on a, b already"),
        ({"outcome": "refused", "reasons": {"plan": "no"}}, 20, "REFUSED: nothing was touched"),
    ],
)
def test_a_run_that_ends_with_its_plan(planned: Any, status: int, headline: str) -> None:
    found = conclusion.last_word(conclusion.of_plan(planned, "deploy"), ["a", "b"], "")
    assert found["exit_status"] == status
    assert found["msg"].startswith(headline)


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
    said = Said({"mend": mend}, looks=looks, recovery={"do": do, "reason": "why"})
    found = conclusion.of_recovery(said.mending(), said.looks(), said.act("mend"))
    assert found["outcome"] == outcome
    assert "why" in json.dumps(found) or mend


@pytest.mark.parametrize(
    ("look", "reason"),
    [
        ({"outcome": "unreachable", "reason": "gone"}, "gone"),
        ({**make_look(), "problems": ["no edge", "no engine"]}, "no edge; no engine"),
    ],
)
def test_a_host_that_is_not_ready_is_named(look: Any, reason: str) -> None:
    said = Said(looks={"a": make_look(), "b": look}, recovery={"do": "nothing"})
    assert conclusion.not_ready(said.mending(), said.looks(), said.act("mend")) == {"b": reason}


def test_where_no_decision_is_safe_every_host_that_is_not_ready_is_named() -> None:
    looks = {"a": make_look(), "b": {"outcome": "refused", "reason": "its state is missing"}}
    said = Said(looks=looks, recovery={"do": "attention", "reason": "b cannot be asked"})
    assert conclusion.not_ready(said.mending(), looks, said.act("mend")) == {
        "fleet": "b cannot be asked",
        "b": "its state is missing",
    }
