"""A real agent at the end of a pipe: its code, its conversation, its lease, and how it leaves."""

from __future__ import annotations

import base64
import fcntl
import functools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest
from delight import bundle
from delight.host import agent

from tests.support.waiting import PATIENCE_S, wait_until

RUN = {"id": "r1", "kind": "deploy", "to": "v2-abc", "by": {"name": "me@here", "pid": 7}}
ASKED = {"run": RUN, "by": "me@here:7"}
STATE = json.dumps({"layout": 1})
DIGEST = bundle.sources()[0]
# An act that prints, and starts what prints, as if it were an agent.
CHATTY = """

def hold(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    import subprocess

    print('{"outcome": "printed"}', flush=True)
    subprocess.run(["echo", '{"outcome": "echoed"}'])
    return {"outcome": "ok"}
"""


class Talk:
    """A conversation with an agent of its own; `home` is where its code is kept."""

    def __init__(self, folder: Path, code: bytes | None = None) -> None:
        self.home, self.root = folder / "home" / "agent", folder / "root"
        self.root.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", bundle.START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdin and self.process.stdout and self.process.stderr
        self.source, self.sink, self.errors = (
            self.process.stdin,
            self.process.stdout,
            self.process.stderr,
        )
        self.said: list[str] = []
        self.wanted = False
        self._begin(bundle.code() if code is None else code)

    def _begin(self, code: bytes) -> None:
        self.write(bundle.program(str(self.home)))
        for line in self.sink:
            word = line.decode().strip()
            self.said.append(word)
            if word == bundle.WANT:
                self.wanted = True
                self.write(code)
            if word in (bundle.WANT, bundle.HAVE):
                return

    def write(self, data: bytes) -> None:
        self.source.write(data)
        self.source.flush()

    def ask(self, act: str, **params: Any) -> None:
        asked = {"root": str(self.root), **ASKED, **params}
        self.write(json.dumps({"act": act, "params": asked}).encode() + b"\n")

    def beat(self, number: int) -> None:
        self.write(json.dumps({"beat": number}).encode() + b"\n")

    def hear(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.sink.readline())
        return found

    def outcome(self, act: str, **params: Any) -> str:
        self.ask(act, **params)
        return str(self.hear()["outcome"]["outcome"])

    def note(self) -> dict[str, Any]:
        """What stands beside the lock; empty where nothing does."""
        file = self.root / "lock"
        found: dict[str, Any] = json.loads((file.exists() and file.read_text()) or "{}")
        return found

    def free(self) -> bool:
        """Whether somebody else can have the host."""
        with (self.root / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    def has_lock_open(self) -> bool:
        """Whether the agent holds the host, or waits for it."""
        opened = Path(f"/proc/{self.process.pid}/fd").iterdir()
        return str(self.root / "lock") in {os.path.realpath(one) for one in opened}

    def leave(self) -> int:
        """End the conversation; the status of its process."""
        self.source.close()
        return self.process.wait(PATIENCE_S)

    def last_words(self) -> list[str]:
        return [line.decode().strip() for line in self.errors]


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Callable[..., Talk]]:
    """Begin conversations; all of them are over in the end."""
    begun: list[Talk] = []

    def begin(code: bytes | None = None) -> Talk:
        begun.append(Talk(tmp_path, code))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()
        one.process.wait()
        for file in (one.source, one.sink, one.errors):
            with suppress(BrokenPipeError):
                file.close()


@contextmanager
def held(root: Path) -> Iterator[Callable[[], None]]:
    """Hold a host as somebody who does not say who it is; `let_go` ends it."""
    root.mkdir(exist_ok=True)
    with (root / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield lambda: fcntl.flock(file, fcntl.LOCK_UN)


def slow_state(root: Path) -> Path:
    """A state that takes as long to read as nobody writes it: an act that needs it goes on."""
    root.mkdir(exist_ok=True)
    os.mkfifo(root / "state.json")
    return root / "state.json"


# -- its code


def test_code_is_asked_for_once_and_kept_compiled_under_its_hash(
    talk: Callable[..., Talk],
) -> None:
    first = talk()
    assert first.wanted
    assert first.outcome("hold") == "ok"
    assert first.leave() == 0
    [folder] = first.home.iterdir()
    assert folder.name == DIGEST
    assert first.home.stat().st_mode & 0o777 == folder.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in (folder / "host").glob("*.py")} == {
        path.name for path in bundle.HOST.glob("*.py")
    }
    compiled = {path.name.partition(".")[0] for path in folder.glob("host/__pycache__/*.pyc")}
    assert {"agent", "lease", "main"} <= compiled
    second = talk()
    assert second.said[-1] == bundle.HAVE
    assert second.outcome("hold") == "ok"
    assert second.leave() == 0


@pytest.mark.parametrize("other", ["other code", ""])
def test_code_that_is_not_what_was_announced_is_refused_and_not_kept(
    talk: Callable[..., Talk], other: str
) -> None:
    found = talk(base64.b64encode(zlib.compress(other.encode())) + b"\n")
    assert found.process.wait(PATIENCE_S) == 1
    assert found.last_words()[-1] == "the code that came is not what was announced"
    assert not found.home.exists()


def test_code_that_nobody_has_used_for_long_goes_when_new_code_comes(
    talk: Callable[..., Talk], tmp_path: Path
) -> None:
    home = tmp_path / "home" / "agent"
    now = time.time()
    for name, age_s in (("stale", bundle.STALE_S + 60), ("recent", bundle.STALE_S - 3600)):
        (home / name / "host").mkdir(parents=True)
        os.utime(home / name, (now - age_s, now - age_s))
    assert talk().leave() == 0
    assert {path.name for path in home.iterdir()} == {DIGEST, "recent"}


def test_code_that_is_used_is_not_stale(talk: Callable[..., Talk]) -> None:
    assert talk().leave() == 0
    folder = talk().home / DIGEST
    os.utime(folder, (0, 0))
    one = talk()
    assert one.outcome("hold") == "ok"
    assert folder.stat().st_mtime > 0


def test_two_agents_may_bring_the_same_code_at_once(tmp_path: Path) -> None:
    start = [sys.executable, "-I", "-S", "-c", bundle.START]
    program = bundle.program(str(tmp_path / "home"))
    with subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as late:
        assert late.stdin and late.stdout
        late.stdin.write(program)
        late.stdin.flush()
        assert late.stdout.readline() == b"\n"
        assert late.stdout.readline().decode().strip() == bundle.WANT
        early = subprocess.run(
            start,
            input=program + bundle.code(),
            check=True,
            capture_output=True,
            timeout=PATIENCE_S,
        )
        assert bundle.WANT in early.stdout.decode()
        late.stdin.write(bundle.code())
        late.stdin.close()
        assert late.wait(PATIENCE_S) == 0
    assert [path.name for path in (tmp_path / "home").iterdir()] == [DIGEST]


# -- the conversation


def test_a_beat_is_answered_also_while_an_act_goes_on(talk: Callable[..., Talk]) -> None:
    found = talk()
    found.beat(1)
    assert found.hear() == {"beat": 1}
    state = slow_state(found.root)
    found.ask("settle", keep=1)
    found.beat(2)
    assert found.hear() == {"beat": 2}
    state.write_text(STATE)
    assert found.hear()["outcome"]["outcome"] == "fenced"


def test_acts_are_done_one_after_the_other_in_their_order(talk: Callable[..., Talk]) -> None:
    found = talk()
    (found.root / "state.json").write_text(STATE)
    for act in ("hold", "settle", "sweep"):
        found.ask(act, keep=1)
    heard = [found.hear()["outcome"]["outcome"] for _ in range(3)]
    assert heard == ["ok", "fenced", "ok"]


def test_what_an_act_prints_is_no_part_of_the_conversation(
    talk: Callable[..., Talk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = shutil.copytree(bundle.HOST, tmp_path / "code")
    with (host / "lease.py").open("a") as file:
        file.write(CHATTY)
    monkeypatch.setattr(bundle, "HOST", host)
    monkeypatch.setattr(bundle, "sources", functools.cache(bundle.sources.__wrapped__))
    found = talk()
    assert found.outcome("hold") == "ok"
    assert found.leave() == 0
    assert found.sink.read() == b""
    assert found.last_words() == ['{"outcome": "printed"}', '{"outcome": "echoed"}']


def test_an_act_that_fails_is_an_outcome_and_not_the_end(talk: Callable[..., Talk]) -> None:
    found = talk()
    (found.root / "state.json").write_text("{")
    assert found.outcome("settle", keep=1) == "failed"
    assert found.outcome("hold") == "ok"


# -- its lease


@pytest.mark.promise("C9", "C10")
def test_a_host_is_held_from_act_to_act_and_let_go_at_the_end(talk: Callable[..., Talk]) -> None:
    found = talk()
    assert not (found.root / "lock").exists(), "nobody has asked for anything yet"
    assert found.outcome("hold") == "ok"
    assert not found.free()
    note = found.note()
    assert (note["pid"], note["act"], note["run"]) == (found.process.pid, "hold", "r1")
    assert (note["kind"], note["release"], note["by"]) == ("deploy", "v2-abc", "me@here:7")
    (found.root / "state.json").write_text(STATE)
    assert found.outcome("settle", keep=1) == "fenced"
    assert not found.free()
    assert found.note() == note | {"act": "settle"}
    assert found.leave() == 0
    assert found.free()
    assert (found.root / "lock").read_text() == ""


@pytest.mark.promise("C9")
def test_who_comes_second_is_refused_and_stays_to_be_asked_again(
    talk: Callable[..., Talk],
) -> None:
    first = talk()
    assert first.outcome("hold") == "ok"
    second = talk()
    second.ask("hold", run={**RUN, "id": "r2"}, by="you@there:8")
    refused = second.hear()["outcome"]
    assert refused["outcome"] == "busy"
    assert refused["reason"].startswith("deploy of v2-abc by me@here:7 is running (act hold")
    assert first.leave() == 0
    assert second.outcome("hold", by="you@there:8") == "ok"
    assert second.note()["by"] == "you@there:8"


@pytest.mark.promise("C9", "C10")
def test_an_agent_that_is_killed_lets_its_host_go(talk: Callable[..., Talk]) -> None:
    found = talk()
    assert found.outcome("hold") == "ok"
    found.process.kill()
    assert found.process.wait(PATIENCE_S) == -9
    assert found.free()
    other = talk()
    assert other.outcome("hold", wait_s=0) == "ok"
    assert other.note()["pid"] == other.process.pid


# -- how it leaves


@pytest.mark.promise("C9")
def test_a_step_that_goes_on_at_the_end_is_finished_and_recorded_and_says_that_it_leaves(
    talk: Callable[..., Talk],
) -> None:
    found = talk()
    state = slow_state(found.root)
    found.ask("settle", keep=1)
    wait_until(lambda: found.note().get("act") == "settle", "the act has begun")
    assert "leaving" not in found.note()
    found.source.close()
    wait_until(lambda: found.note().get("leaving") is True, "the lease says that it leaves")
    assert not found.free()
    assert found.process.poll() is None
    state.write_text(STATE)
    assert found.process.wait(PATIENCE_S) == 0
    [line] = (found.root / "journal.jsonl").read_text().splitlines()
    assert (json.loads(line)["act"], json.loads(line)["outcome"]) == ("settle", "fenced")
    assert found.free()
    assert (found.root / "lock").read_text() == ""


@pytest.mark.promise("C9")
def test_an_act_that_waits_for_its_host_at_the_end_comes_to_its_own(
    talk: Callable[..., Talk], tmp_path: Path
) -> None:
    with held(tmp_path / "root") as let_go:
        found = talk()
        found.ask("hold")
        wait_until(found.has_lock_open, "the act waits")
        found.source.close()
        assert found.process.poll() is None
        let_go()
        assert found.process.wait(PATIENCE_S) == 0
    assert found.hear()["outcome"]["outcome"] == "ok"
    assert found.free()
    assert (found.root / "lock").read_text() == ""


@pytest.mark.promise("C9")
def test_what_was_asked_for_and_not_begun_is_not_begun_after_the_end(
    talk: Callable[..., Talk],
) -> None:
    found = talk()
    state = slow_state(found.root)
    found.ask("settle", keep=1)
    found.ask("sweep")
    found.ask("seal")
    wait_until(lambda: found.note().get("act") == "settle", "the first act has begun")
    found.source.close()
    wait_until(lambda: found.note().get("leaving") is True, "the end was heard")
    state.write_text(STATE)
    assert found.process.wait(PATIENCE_S) == 0
    assert [json.loads(line)["outcome"]["outcome"] for line in found.sink] == ["fenced"]
    lines = (found.root / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["act"] for line in lines] == ["settle"]


@pytest.mark.promise("C9")
def test_a_step_is_finished_though_nobody_listens_any_more(talk: Callable[..., Talk]) -> None:
    found = talk()
    state = slow_state(found.root)
    found.ask("settle", keep=1)
    wait_until(lambda: found.note().get("act") == "settle", "the act has begun")
    found.sink.close()
    found.source.close()
    state.write_text(STATE)
    assert found.process.wait(PATIENCE_S) == 0
    assert (found.root / "journal.jsonl").exists()
    assert found.last_words() == []


class Heard:
    """What is said to an agent in this process, and what it says."""

    def __init__(self, source: int, answers: IO[bytes]) -> None:
        self.source, self.answers = source, answers
        self.said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.thread = threading.Thread()

    def listen(self) -> None:
        for line in self.answers:
            self.said.put(json.loads(line))

    def send(self, what: dict[str, Any]) -> None:
        os.write(self.source, json.dumps(what).encode() + b"\n")

    def next(self) -> dict[str, Any]:
        return self.said.get(timeout=PATIENCE_S)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """A conversation with an agent in this process; `thread` is the agent."""
    monkeypatch.setattr(agent, "POLL_S", 0.01)
    source, to_agent = os.pipe()
    from_agent, sink = os.pipe()
    with open(source, "rb") as asked, open(from_agent, "rb") as answers:
        found = Heard(to_agent, answers)
        found.thread = threading.Thread(target=agent.Agent(asked, sink).converse, daemon=True)
        reader = threading.Thread(target=found.listen, daemon=True)
        found.thread.start()
        reader.start()
        yield found
        os.close(to_agent)
        found.thread.join(PATIENCE_S)
        os.close(sink)
        reader.join(PATIENCE_S)


@pytest.mark.promise("C9", "C10")
def test_an_agent_that_nobody_beats_for_leaves_and_lets_its_host_go(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard.send({"act": "hold", "params": {"root": str(tmp_path), **ASKED}})
    assert heard.next()["outcome"]["outcome"] == "ok"
    assert json.loads((tmp_path / "lock").read_text())["act"] == "hold"
    monkeypatch.setattr(agent, "SILENCE_S", 0.05)
    heard.thread.join(PATIENCE_S)
    assert not heard.thread.is_alive()
    assert (tmp_path / "lock").read_text() == ""


def test_a_long_act_says_now_and_then_what_it_is_at(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "QUIET_S", 0.01)
    state = slow_state(tmp_path)
    heard.send({"act": "settle", "params": {"root": str(tmp_path), **ASKED}})
    for _ in range(2):
        said = heard.next()["progress"]
        assert said.startswith("settle, ") and said.endswith(" s so far")
    state.write_text(STATE)
    wait_until(lambda: "outcome" in heard.next(), "the act has ended")


@pytest.mark.promise("C10")
def test_an_agent_that_is_beaten_for_stays(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    hold = {"act": "hold", "params": {"root": str(tmp_path), **ASKED}}
    heard.send(hold)
    assert heard.next()["outcome"]["outcome"] == "ok"
    for number in range(3):
        clock[0] += agent.SILENCE_S
        heard.send({"beat": number})
        assert heard.next() == {"beat": number}
    heard.send(hold)
    assert heard.next()["outcome"]["outcome"] == "ok"
    clock[0] += agent.SILENCE_S + 1
    heard.thread.join(PATIENCE_S)
    assert not heard.thread.is_alive()
    assert (tmp_path / "lock").read_text() == ""
