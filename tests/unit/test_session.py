"""The controller's side of a conversation, with programs that play sudo, a login shell and an agent."""

from __future__ import annotations

import functools
import json
import os
import queue
import shlex
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from delight import agents, bundle, session
from delight.agents import Agents
from delight.session import Connection, Lost, Session

from tests.support.agents import PROMPT, SUCCESS, Screen, ended, sudo, ways
from tests.support.waiting import PATIENCE_S, wait_until
from tests.unit.test_release_playbooks import DIES, Hosts

PASSWORD = "hunter22"
HANGS = "import time; open('pid', 'w').write(str(os.getpid())); time.sleep(600)"
TELLS = 'print(\'{"progress": "half of it"}\', flush=True)\nprint(\'{"progress": "all of it"}\', flush=True)'
Heard = queue.SimpleQueue[tuple[str, dict[str, Any]]]


@pytest.fixture
def pair(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path, {"app1": {}, "app2": {}})


@pytest.fixture
def begun() -> Iterator[Callable[[list[str] | Connection], Session]]:
    """Start the commands of sessions; all of them are ended in the end."""
    sessions: list[Session] = []

    def begin(way: list[str] | Connection) -> Session:
        heard: Heard = queue.SimpleQueue()
        sessions.append(
            Session("app1", way if isinstance(way, Connection) else Connection(way), heard)
        )
        return sessions[-1]

    yield begin
    for one in sessions:
        one.kill()
        one._process.wait()


def shell(text: str) -> list[str]:
    return ["/bin/sh", "-c", text]


def lost(found: Session) -> str:
    """Why a session could not be opened."""
    with pytest.raises(Lost) as why:
        found.open()
    return str(why.value)


def answer(found: Session, act: str = "lock") -> dict[str, Any]:
    """What is heard after an act was asked for."""
    found.ask(act, {})
    return found._heard.get(timeout=PATIENCE_S)[1]


def timers() -> set[threading.Thread]:
    """What waits to end a command."""
    return {one for one in threading.enumerate() if isinstance(one, threading.Timer)}


# -- how it begins


def test_an_agent_is_spoken_to_whatever_a_login_shell_has_printed(
    pair: Hosts, begun: Callable[..., Session]
) -> None:
    agent = ways(pair, "app1")["app1"].argv[0]
    found = begun(shell(f"echo Welcome; echo '{{}}'; echo no news >&2; exec {agent}"))
    found.open()
    assert answer(found) == {"outcome": {"outcome": "ok"}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo a warning >&2; echo '  no route to host  ' >&2; echo >&2; exit 255", "no route to host"),
        ("echo only this >&2", "only this"),
        ("exit 7", "its connection ended with status 7"),
        ("kill -KILL $$", "its connection ended with status -9"),
    ],
)  # fmt: skip
def test_why_an_agent_cannot_be_started_is_what_was_heard_last(
    begun: Callable[..., Session], text: str, reason: str
) -> None:
    assert lost(begun(shell(text))) == reason


@pytest.mark.promise("C10")
def test_a_command_that_never_begins_is_ended_with_everything_it_has_started(
    tmp_path: Path, begun: Callable[..., Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "child"
    found = begun(shell(f"sleep 600 & echo $! > {file}.new; mv {file}.new {file}; cat > /dev/null"))
    wait_until(file.exists, "the command runs")
    monkeypatch.setattr(session, "START_S", 0.05)
    assert lost(found) == "its connection ended with status -9"
    ended(int(file.read_text()))


def test_a_command_that_has_begun_in_time_is_not_ended(
    pair: Hosts, begun: Callable[..., Session]
) -> None:
    before = timers()
    found = begun(ways(pair, "app1")["app1"])
    found.open()
    wait_until(lambda: timers() == before, "nothing waits to end it any more")


# -- a password for become


def become(
    folder: Path, hosts: Hosts, wanted: str, stream: int, given: str = PASSWORD
) -> Connection:
    """The way through a sudo that wants a password."""
    agent = ways(hosts, "app1")["app1"].argv[0]
    then = ["/bin/sh", "-c", f"echo {SUCCESS} ; {agent}"]
    return Connection(
        [str(sudo(folder, wanted, stream)), "-H", "-p", PROMPT, *then], PROMPT, given, SUCCESS
    )


@pytest.mark.parametrize("stream", [1, 2])
def test_a_password_is_given_where_it_is_asked_for(
    tmp_path: Path, pair: Hosts, begun: Callable[..., Session], stream: int
) -> None:
    found = begun(become(tmp_path, pair, PASSWORD, stream))
    found.open()
    assert answer(found) == {"outcome": {"outcome": "ok"}}


def test_a_password_that_is_not_asked_for_is_not_given(
    tmp_path: Path, pair: Hosts, begun: Callable[..., Session]
) -> None:
    found = begun(become(tmp_path, pair, "", 2))
    found.open()
    assert answer(found) == {"outcome": {"outcome": "ok"}}


@pytest.mark.parametrize("stream", [1, 2])
def test_a_password_that_is_asked_for_again_is_wrong(
    tmp_path: Path, pair: Hosts, begun: Callable[..., Session], stream: int
) -> None:
    found = begun(become(tmp_path, pair, PASSWORD, stream, "another"))
    assert lost(found) == "the password for become is wrong"
    assert pair.acts("app1") == []


def test_what_sudo_says_instead_of_asking_is_the_reason(begun: Callable[..., Session]) -> None:
    text = "echo we trust you; echo sudo: no tty present >&2; exit 1"
    assert lost(begun(Connection(shell(text), PROMPT, PASSWORD, SUCCESS))) == "sudo: no tty present"


@pytest.mark.promise("S3")
def test_a_password_stands_in_no_text_and_no_process_list(tmp_path: Path, pair: Hosts) -> None:
    way = become(tmp_path, pair, "", 2)
    assert PASSWORD not in repr(way) + str(way)
    assert PASSWORD not in " ".join(way.argv)


# -- all hosts


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest.fixture
def fleet(screen: Screen) -> Iterator[Callable[..., Agents]]:
    """Fleets of ways; all conversations are over in the end."""
    made: list[Agents] = []

    def make(connections: dict[str, Connection], forks: int = 5) -> Agents:
        made.append(Agents(connections, list(connections), screen.tell, lambda: "", forks))
        return made[-1]

    yield make
    for one in made:
        one.close()


def asked(*hosts: str) -> dict[str, dict[str, Any]]:
    return {host: {} for host in hosts}


def test_every_host_that_is_told_something_gives_its_outcome(
    pair: Hosts, fleet: Callable[..., Agents], screen: Screen
) -> None:
    pair.says("app1", "stage", {"outcome": "ok", "message": "started", "took_s": 1.26})
    pair.says("app2", "stage", {"outcome": "failed", "reason": "no memory"})
    found = fleet(ways(pair, "app1", "app2"))
    assert (found.everyone, found.chosen) == (["app1", "app2"], ["app1", "app2"])
    outcomes = found.ask("stage", asked("app1", "app2"))
    assert outcomes["app1"]["message"] == "started"
    assert outcomes["app2"] == {"outcome": "failed", "reason": "no memory"}
    assert sorted(screen.lines) == [
        ("    app1: started", ""),
        ("    app2: failed", "red"),
    ]
    assert found.ask("undo", asked("app2")) == {"app2": {"outcome": "ok"}}
    assert (pair.acts("app1"), pair.acts("app2")) == (["stage"], ["stage", "undo"])


def test_what_an_act_says_is_shown_as_it_comes_and_before_its_outcome(
    pair: Hosts, fleet: Callable[..., Agents], screen: Screen
) -> None:
    pair.on("app1", "stage", TELLS)
    pair.says("app1", "stage", {"outcome": "ok", "message": "it is there"})
    fleet(ways(pair, "app1")).ask("stage", asked("app1"))
    assert screen.text.splitlines() == [
        "    app1: half of it",
        "    app1: all of it",
        "    app1: it is there",
    ]


@pytest.mark.promise("C3")
def test_an_agent_that_dies_has_failed_and_is_started_anew_when_it_is_asked_again(
    pair: Hosts, fleet: Callable[..., Agents], screen: Screen
) -> None:
    pair.on("app2", "stage", DIES)
    found = fleet(ways(pair, "app1", "app2"))
    outcomes = found.ask("stage", asked("app1", "app2"))
    assert outcomes["app1"] == {"outcome": "ok"}
    assert outcomes["app2"] == {
        "outcome": "failed",
        "reason": "stage gave no outcome: no memory left",
    }
    assert screen.lines == [("    app2: failed", "red")]
    assert screen.told[-1]["reason"] == "stage gave no outcome: no memory left"
    assert found.ask("undo", asked("app2")) == {"app2": {"outcome": "ok"}}
    assert pair.acts("app2") == ["stage", "undo"]


def test_a_host_that_cannot_be_reached_is_told_from_one_that_fails(
    pair: Hosts, fleet: Callable[..., Agents], screen: Screen
) -> None:
    nowhere = Connection(shell("echo 'ssh: no route to host' >&2; exit 255"))
    nothing = Connection(["/nonexistent/ssh", "app3"])
    found = fleet({**ways(pair, "app1"), "app2": nowhere, "app3": nothing})
    outcomes = found.ask("lock", asked("app1", "app2", "app3"))
    assert outcomes["app1"]["outcome"] == "ok"
    assert outcomes["app2"] == {
        "outcome": "unreachable",
        "reason": "cannot be reached: ssh: no route to host",
    }
    assert outcomes["app3"]["outcome"] == "unreachable"
    assert "No such file or directory: '/nonexistent/ssh'" in outcomes["app3"]["reason"]
    assert screen.lines == [("    app2: unreachable", "red"), ("    app3: unreachable", "red")]


def test_more_hosts_than_may_be_reached_at_once_are_reached_all_the_same(
    tmp_path: Path, fleet: Callable[..., Agents]
) -> None:
    names = [f"app{number}" for number in range(5)]
    hosts = Hosts(tmp_path, {name: {} for name in names})
    outcomes = fleet(ways(hosts, *names), forks=1).ask("lock", asked(*names))
    assert outcomes == {name: {"outcome": "ok"} for name in names}


@pytest.mark.promise("C10")
def test_a_host_that_is_silent_for_too_long_is_given_up_and_its_connection_ended(
    pair: Hosts, fleet: Callable[..., Agents], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair.on("app2", "stage", HANGS)
    found = fleet(ways(pair, "app1", "app2"))
    found.ask("look", asked("app1", "app2"))
    monkeypatch.setattr(agents, "BEAT_S", 0.02)
    monkeypatch.setattr(agents, "SILENCE_S", 0.1)
    outcomes = found.ask("stage", asked("app1", "app2"))
    assert outcomes["app2"] == {
        "outcome": "failed",
        "reason": "stage gave no outcome: its connection ended with status -9",
    }
    ended(int((pair.folder / "app2/pid").read_text()))
    monkeypatch.undo()
    assert found.ask("undo", asked("app2")) == {"app2": {"outcome": "ok"}}


@pytest.mark.promise("C10")
def test_a_host_that_answers_is_heard_of_while_its_act_goes_on(
    tmp_path: Path, fleet: Callable[..., Agents], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real agent: its act waits for a state that nobody writes until it was heard often enough."""
    home = tmp_path / "home"
    monkeypatch.setattr(bundle, "program", functools.partial(bundle.program, str(home)))
    monkeypatch.setattr(agents, "BEAT_S", 0.02)
    os.mkfifo(tmp_path / "state.json")
    found = fleet({"app1": Connection([sys.executable, "-I", "-S", "-c", bundle.START])})
    params = {"root": str(tmp_path), "run": {"id": "r1"}, "by": "me@here:7"}
    assert found.ask("hold", {"app1": params})["app1"]["outcome"] == "ok"
    heard: set[float] = set()

    def often(waiting: set[str]) -> None:
        heard.add(found._sessions["app1"].heard_s)
        if len(heard) == 3:
            (tmp_path / "state.json").write_text(json.dumps({"layout": 1}))

    monkeypatch.setattr(found, "_end_silent", often)
    assert found.ask("settle", {"app1": {**params, "keep": 1}})["app1"]["outcome"] == "fenced"
    assert len(heard) >= 3


def test_all_conversations_end_at_once_and_agents_leave_by_themselves(
    pair: Hosts, fleet: Callable[..., Agents]
) -> None:
    note = "open('pid', 'w').write(str(os.getpid()))"
    for host in ("app1", "app2"):
        pair.on(host, "lock", note)
    found = fleet(ways(pair, "app1", "app2"))
    found.ask("lock", asked("app1", "app2"))
    processes = [one._process for one in found._sessions.values()]
    found.close()
    assert [process.returncode for process in processes] == [0, 0]
    for host in ("app1", "app2"):
        ended(int((pair.folder / host / "pid").read_text()))
    found.close()  # once more is nothing


@pytest.mark.promise("C10")
def test_an_agent_that_does_not_leave_is_ended_on_this_side(
    pair: Hosts, fleet: Callable[..., Agents], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = shlex.join(ways(pair, "app1")["app1"].argv)
    stays = f"{agent}; sleep 600"
    found = fleet({"app1": Connection(shell(stays))})
    found.ask("lock", asked("app1"))
    [process] = [one._process for one in found._sessions.values()]
    monkeypatch.setattr(session, "LEAVE_S", 0.05)
    found.close()
    assert process.returncode == -9


def test_what_is_printed_and_is_no_message_ends_no_conversation(
    pair: Hosts, fleet: Callable[..., Agents]
) -> None:
    pair.on("app1", "stage", "print('12345'); print('null'); print('[1]', flush=True)")
    found = fleet(ways(pair, "app1"))
    assert found.ask("stage", asked("app1")) == {"app1": {"outcome": "ok"}}


def test_an_agent_that_went_by_itself_is_let_go(pair: Hosts, fleet: Callable[..., Agents]) -> None:
    goes = "print(json.dumps({'outcome': {'outcome': 'ok'}}), flush=True); os._exit(0)"
    pair.on("app1", "stage", goes)
    found = fleet(ways(pair, "app1"))
    assert found.ask("stage", asked("app1")) == {"app1": {"outcome": "ok"}}
    for one in list(found._sessions.values()):
        one._process.wait()
        one.beat()
    found.close()


@pytest.mark.promise("S2")
def test_no_agent_starts_before_the_configuration_is_right(
    fleet: Callable[..., Agents], tmp_path: Path
) -> None:
    mark = tmp_path / "started"
    found = fleet({"app1": Connection(shell(f"read program && echo $program > {mark}"))})
    found.connect()
    found.close()
    assert not mark.exists()
