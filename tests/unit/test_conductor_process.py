"""The conductor's own process: begun once, ended with its playbook, whatever becomes of that.

A program that waits stands for the playbook, and scripts play the agents of its hosts.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from delight import events, link, process, report
from delight.conductor import PHASES

from tests.simulation.fleet import defaults
from tests.support.agents import Screen, ended, ways
from tests.support.waiting import PATIENCE_S, wait_until
from tests.unit.test_release_playbooks import COMMON, WHOLE, Hosts

# The host says that it is at it, and goes on when it may.
WAITS = """
import time
open("at_it", "w").write(str(os.getpid()))
while not os.path.exists("go_on"):
    time.sleep(0.01)
"""
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class Playbook:
    """What a playbook does with its conductor, over the hosts of a folder."""

    def __init__(self, folder: Path, hosts: Hosts) -> None:
        self.folder, self.hosts = folder, hosts
        self.process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        self.pid = self.process.pid
        self.place = link.folder(self.pid)
        self.screen = Screen()
        self.result_file = folder / "result.json"

    @property
    def conductor(self) -> int:
        wait_until((self.place / "pid").exists, "the conductor runs")
        wait_until(lambda: bool((self.place / "pid").read_text()), "it has said its number")
        return link.conductor(self.pid)

    def listens(self) -> bool:
        """Whether the conductor's socket takes connections."""
        sockets = map(str.split, Path("/proc/net/unix").read_text().splitlines())
        return any((one[3], one[-1]) == ("00010000", str(self.place / "socket")) for one in sockets)

    def inputs(self, **values: Any) -> dict[str, Any]:
        names = sorted(path.name for path in self.hosts.folder.iterdir() if path.is_dir())
        common = {name: value for name, value in COMMON.items() if not name.startswith("ansible_")}
        return {
            "kind": "deploy",
            "check_mode": False,
            "values": {
                **defaults(),
                **common,
                "astray": [],
                "release_https": False,
                "registry_username": "",
                "app_subnet": "10.89.0.0/16",
                "release_root": "/srv/delight",
                "result_file": str(self.result_file),
                "registry": "",
                "registries": {},
                "app_source": "",
                **values,
            },
            "connections": ways(self.hosts, *names),
            "chosen": names,
            "forks": 5,
        }

    def says(self, word: str, said: dict[str, Any]) -> dict[str, Any]:
        link.begin(self.pid)
        wait_until(self.listens, "the conductor listens")
        return link.speak(self.pid, word, said, self.screen.tell)

    def phase(self, name: str, **said: Any) -> dict[str, Any]:
        """As a task does: the inputs is brought when it is asked for."""
        said = {"phase": name, "failed": {}, **said}
        answer = self.says("phase", said)
        return (
            self.says("phase", said | {"inputs": self.inputs()}) if "inputs" in answer else answer
        )

    def until(self, last: str) -> dict[str, Any]:
        """All phases up to one; the answer to that."""
        answers = [self.phase(name) for name in PHASES[: PHASES.index(last) + 1]]
        return answers[-1]

    def end(self) -> dict[str, Any]:
        """The last word, with what a person reads of it under `text`."""
        word = self.says("end", {})
        return word | {"text": report.summary(word)} if word else {}

    def kill(self) -> None:
        self.process.kill()

    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.result_file.read_text())
        return found

    def all_acts(self) -> list[list[str]]:
        return [self.hosts.acts(host) for host in self.inputs()["chosen"]]


@pytest.fixture
def play(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Playbook]]:
    """Begin playbooks; in the end they and their conductors are gone."""
    # A socket's name may be no longer than 107 characters.
    folder = tmp_path_factory.mktemp("play")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    begun: list[Playbook] = []

    def begin(*names: str) -> Playbook:
        (folder / "hosts").mkdir()
        hosts = Hosts(folder / "hosts", {name: {} for name in names or ("app1", "app2")})
        begun.append(Playbook(folder, hosts))
        return begun[-1]

    yield begin
    for one in begun:
        file = one.place / "pid"
        pid = int(file.read_text()) if file.exists() else 0
        one.kill()
        one.process.communicate()
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            ended(pid)


@pytest.fixture
def at_it(play: Callable[..., Playbook]) -> Iterator[Callable[[str], tuple[Playbook, Answer]]]:
    """A playbook whose phase goes on: both hosts are at its act and wait."""
    answers: list[Answer] = []

    def begin(phase: str) -> tuple[Playbook, Answer]:
        found = play()
        for host in ("app1", "app2"):
            found.hosts.on(host, phase, WAITS)
        found.until(PHASES[PHASES.index(phase) - 1])
        answers.append(Answer(found, phase))
        for host in ("app1", "app2"):
            wait_until((found.hosts.folder / host / "at_it").exists, f"{host} is at it")
        return found, answers[-1]

    yield begin
    for one in answers:
        one.go_on()
        one.thread.join(PATIENCE_S)


class Answer:
    """The answer to a phase that goes on."""

    def __init__(self, playbook: Playbook, phase: str) -> None:
        self.playbook = playbook
        self.said: dict[str, Any] = {}
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._ask, args=[phase], daemon=True)
        self.thread.start()

    def _ask(self, phase: str) -> None:
        try:
            self.said = self.playbook.phase(phase)
        except (EOFError, OSError) as error:
            self.error = error

    def go_on(self) -> None:
        """Let the hosts go on."""
        for host in ("app1", "app2"):
            (self.playbook.hosts.folder / host / "go_on").touch()

    def get(self) -> dict[str, Any]:
        self.go_on()
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive()
        return self.said


# -- one for a playbook


def test_a_playbook_has_one_conductor_however_often_it_is_begun(
    play: Callable[..., Playbook],
) -> None:
    found = play()
    for _ in range(3):
        link.begin(found.pid)
    first = found.conductor
    assert found.phase("recover") == {"over": False, "failed": False, "msg": ""}
    assert found.conductor == first
    wanted = f"delight.process\0{found.pid}\0".encode()
    running = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            running += [int(file.parent.name)] * (wanted in file.read_bytes())
    assert running == [first]


@pytest.mark.promise("S3")
def test_its_folder_is_its_users_alone(play: Callable[..., Playbook]) -> None:
    found = play()
    assert found.place.parent == found.folder / f"delight-{os.getuid()}"
    for one in (found.place, found.place.parent):
        assert one.stat().st_mode & 0o777 == 0o700
    assert found.end() == {}


@pytest.mark.promise("S3")
@pytest.mark.parametrize("whole", [True, False])
def test_a_folder_that_leads_elsewhere_is_refused(
    play: Callable[..., Playbook], whole: bool
) -> None:
    found = play()
    found.place.rmdir()
    elsewhere = found.folder / "elsewhere"
    elsewhere.mkdir()
    linked = found.place.parent if whole else found.place
    if whole:
        linked.rmdir()
    linked.symlink_to(elsewhere)
    elsewhere.chmod(0o755)
    for use in (link.begin, link.conductor):
        with pytest.raises(PermissionError, match=f"{linked} belongs to somebody else; remove it"):
            use(found.pid)
    assert elsewhere.stat().st_mode & 0o777 == 0o755, "it is looked at and not touched"
    assert list(elsewhere.iterdir()) == []


@pytest.mark.promise("S3")
def test_a_folder_of_somebody_else_is_refused(
    play: Callable[..., Playbook], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = play()
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    with pytest.raises(PermissionError, match="delight-54321 belongs to somebody else"):
        link.begin(found.pid)


def test_a_playbook_that_asks_for_no_phase_ends_its_conductor(
    play: Callable[..., Playbook],
) -> None:
    found = play()
    link.begin(found.pid)
    pid = found.conductor
    assert found.end() == {}
    ended(pid)
    assert not found.place.exists()
    assert found.screen.lines == []


def test_a_playbook_that_is_killed_before_any_phase_ends_its_conductor(
    play: Callable[..., Playbook], capfd: pytest.CaptureFixture[str]
) -> None:
    found = play()
    link.begin(found.pid)
    pid = found.conductor
    found.kill()
    ended(pid)
    assert not found.place.exists()
    assert capfd.readouterr().err == ""


def test_a_playbook_that_is_gone_before_its_conductor_listens_leaves_nothing(
    play: Callable[..., Playbook], capfd: pytest.CaptureFixture[str]
) -> None:
    found = play()
    found.kill()
    found.process.wait()
    process.main(found.pid, found.place)
    assert not found.place.exists()
    assert capfd.readouterr().err == ""


# -- a run


def test_a_run_ends_with_its_word_and_its_result(play: Callable[..., Playbook]) -> None:
    found = play()
    assert found.until("report")["msg"] == "released"
    pid = found.conductor
    word = found.end()
    assert (word["exit_status"], word["text"].startswith("RELEASED v1-")) == (0, True)
    assert found.result()["outcome"] == "released"
    assert found.all_acts() == [WHOLE, WHOLE]
    ended(pid)
    assert not found.place.exists()


def test_what_the_first_phase_needs_is_asked_for_and_a_mistake_in_it_is_refused(
    play: Callable[..., Playbook],
) -> None:
    found = play()
    said = {"phase": "recover", "failed": {}}
    assert found.says("phase", said)["inputs"]
    inputs = found.inputs(version="", images={"nothing": "v1"})
    answer = found.says("phase", said | {"inputs": inputs})
    assert (answer["over"], answer["failed"], answer["outcome"]) == (True, True, "refused")
    assert "images.nothing: no such service" in answer["msg"]
    assert found.end() == {}
    assert found.all_acts() == [[], []]


def test_settings_that_do_not_fit_refuse_a_deploy_and_no_rollback(
    play: Callable[..., Playbook],
) -> None:
    services = {"api": {**COMMON["services"]["api"], "settings": "no/such.json"}}
    said = {"phase": "recover", "failed": {}}
    found = play()
    inputs = found.inputs(services=services)
    answer = found.says("phase", said | {"inputs": inputs})
    assert answer["outcome"] == "refused"
    assert "services.api.settings: " in answer["msg"]
    assert found.all_acts() == [[], []]
    found.says("phase", said | {"inputs": inputs | {"kind": "rollback"}})
    assert found.all_acts() == [["look"], ["look"]]


def test_phases_that_were_left_out_have_their_turn(play: Callable[..., Playbook]) -> None:
    found = play()
    found.phase("switch")
    assert found.all_acts() == [WHOLE[:5], WHOLE[:5]]


@pytest.mark.promise("R2")
def test_hosts_that_have_dropped_out_between_two_phases_break_the_run_off(
    play: Callable[..., Playbook],
) -> None:
    found = play()
    found.until("stage")
    found.phase("switch", failed={"app2": "a task failed there"})
    assert found.phase("report")["msg"] == "rolled back"
    assert found.all_acts() == [[*WHOLE[:4], "undo"]] * 2
    assert "app2: a task failed there" in found.end()["text"]


def test_a_second_play_makes_a_run_of_its_own(play: Callable[..., Playbook]) -> None:
    found = play()
    found.until("report")
    assert found.screen.text.count("RELEASED") == 0
    assert found.says("phase", {"phase": "recover", "failed": {}})["inputs"]
    assert found.until("report")["msg"] == "released"
    assert found.screen.text.count("RELEASED v1-") == 1, "the first run's word, as it was over"
    assert found.all_acts() == [WHOLE * 2, WHOLE * 2]
    assert found.end()["text"].startswith("RELEASED v1-")


# -- a playbook that goes


@pytest.mark.promise("R2")
@pytest.mark.parametrize("phase", ["stage", "switch"])
def test_a_playbook_that_is_killed_between_two_phases_has_every_host_put_back(
    play: Callable[..., Playbook], capfd: pytest.CaptureFixture[str], phase: str
) -> None:
    found = play()
    found.until(phase)
    pid = found.conductor
    found.kill()
    ended(pid)
    assert found.all_acts() == [[*WHOLE[: WHOLE.index(phase) + 1], "undo"]] * 2
    result = found.result()
    assert result["outcome"] == "rolled back"
    assert result["reasons"] == {"stopped": "the playbook was ended"}
    assert result["exit_status"] == 21
    assert "ROLLED BACK: " in capfd.readouterr().err
    assert not found.place.exists()


@pytest.mark.promise("R2")
def test_a_release_that_stands_is_finished_though_its_playbook_was_killed(
    play: Callable[..., Playbook],
) -> None:
    found = play()
    found.until("workers")
    pid = found.conductor
    found.kill()
    ended(pid)
    assert found.result()["outcome"] == "released"
    assert found.all_acts() == [WHOLE, WHOLE]


@pytest.mark.promise("R2")
def test_a_playbook_that_is_killed_while_a_phase_goes_on_has_it_finished_and_put_back(
    at_it: Callable[[str], tuple[Playbook, Answer]],
) -> None:
    found, answer = at_it("stage")
    pid = found.conductor
    found.kill()
    answer.go_on()
    ended(pid)
    assert found.all_acts() == [[*WHOLE[:4], "undo"]] * 2
    assert found.result()["reasons"] == {"stopped": "the playbook was ended"}


@pytest.mark.promise("R2")
def test_a_playbook_that_ends_before_it_is_through_has_every_host_put_back(
    play: Callable[..., Playbook],
) -> None:
    found = play()
    found.until("stage")
    word = found.end()
    assert (word["exit_status"], word["text"].startswith("ROLLED BACK: ")) == (21, True)
    assert "stopped: the playbook ended before it was through" in word["text"]
    assert found.all_acts() == [[*WHOLE[:4], "undo"]] * 2


# -- signals


@pytest.mark.promise("R2", "R8")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_while_a_phase_goes_on_puts_every_host_back(
    at_it: Callable[[str], tuple[Playbook, Answer]], number: signal.Signals
) -> None:
    found, answer = at_it("stage")
    os.kill(found.conductor, number)
    assert answer.get() == {"over": False, "failed": False, "msg": ""}
    found.phase("report")
    assert found.all_acts() == [[*WHOLE[:4], "undo"]] * 2
    word = found.end()
    assert word["exit_status"] == 21
    assert f"stopped: {number.name} asked for it" in word["text"]
    assert found.result()["reasons"] == {"stopped": f"{number.name} asked for it"}


@pytest.mark.promise("C9")
def test_a_conductor_that_is_ended_at_once_asks_no_host_for_anything_more(
    at_it: Callable[[str], tuple[Playbook, Answer]],
) -> None:
    found, answer = at_it("stage")
    pid = found.conductor
    agents = [int((found.hosts.folder / host / "at_it").read_text()) for host in ("app1", "app2")]
    os.kill(pid, signal.SIGQUIT)
    ended(pid)
    answer.get()
    assert isinstance(answer.error, EOFError | ConnectionError)
    for agent in agents:
        ended(agent)
    assert found.all_acts() == [WHOLE[:4]] * 2
    assert not found.result_file.exists()


# -- errors of our own


@pytest.mark.promise("R2")
def test_an_outcome_that_is_none_is_its_hosts_failure_and_disturbs_no_other(
    play: Callable[..., Playbook], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = play()
    found.hosts.says("app1", "stage", {})
    # The other one answers later: what it says to this is not what it says to what follows.
    found.hosts.on("app2", "stage", WAITS)
    tell = found.screen.tell

    def and_then(event: events.Event) -> None:
        tell(event)
        if (event.get("host"), event.get("outcome")) == ("app1", "failed"):
            (found.hosts.folder / "app2/go_on").touch()

    monkeypatch.setattr(found.screen, "tell", and_then)
    found.hosts.says("app2", "undo", {"outcome": "failed", "reason": "no room"})
    found.until("report")
    word = found.end()
    assert (word["exit_status"], word["text"].startswith("NEEDS ATTENTION: ")) == (22, True)
    assert "app1: stage gave no outcome: what it answered is none" in word["text"]
    assert "app2: no room" in word["text"]
    assert found.all_acts() == [[*WHOLE[:4], "undo"]] * 2


@pytest.mark.promise("R2", "R8")
def test_an_error_of_our_own_in_the_report_is_no_outcome_and_hosts_are_put_back(
    play: Callable[..., Playbook],
) -> None:
    found = play("app1")
    found.hosts.says("app1", "stage", {"outcome": "failed", "sick": 5})
    found.until("report")
    word = found.end()
    assert word["exit_status"] == 22
    assert word["text"].startswith("NEEDS ATTENTION: this run ended without an outcome: TypeError")
    assert found.all_acts() == [[*WHOLE[:4], "undo"]]


def test_a_phase_that_nobody_knows_is_an_error_and_what_was_begun_is_put_back(
    play: Callable[..., Playbook],
) -> None:
    found = play("app1")
    found.until("stage")
    assert found.phase("stagee")["failed"]
    word = found.end()
    assert word["exit_status"] == 21
    assert "conductor: ValueError in process.py" in word["text"]
    assert found.all_acts() == [[*WHOLE[:4], "undo"]]


@pytest.mark.promise("R8")
def test_an_agent_that_went_by_itself_in_the_end_takes_no_outcome_with_it(
    play: Callable[..., Playbook],
) -> None:
    found = play("app1")
    goes = "print(json.dumps({'outcome': {'outcome': 'ok'}}), flush=True); os._exit(0)"
    found.hosts.on("app1", "settle", goes)
    found.until("report")
    word = found.end()
    assert (word["exit_status"], found.result_file.exists()) == (0, True)
