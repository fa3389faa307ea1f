"""Nothing waits for ever: every command and request is ended at its bound, and the bound is told."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from delight.host import command, docker, edge, images, once, redact, store
from delight.host.lease import Lease

pytestmark = pytest.mark.promise("C10")
NEVER = ["sh", "-c", "echo begun; echo waiting >&2; sleep 600"]


def runs(pid: int) -> bool:
    """Whether there is such a process; one that has ended and was not asked for does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int) -> bool:
    """Whether a process that was killed ends; the kernel takes a moment."""
    deadline = time.monotonic() + 30
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.005)
    return not runs(pid)


def test_a_command_that_ends_says_how() -> None:
    ran = command.run(["sh", "-c", "echo out; echo err >&2; exit 3"], 60)
    assert (ran.status, ran.stdout, ran.stderr, ran.late) == (3, "out\n", "err\n", False)
    assert ran.lines() == ["err", "out"]


def test_a_command_gets_no_input() -> None:
    assert command.run(["cat"], 60).status == 0


def test_a_command_is_killed_at_its_bound_with_all_that_it_started() -> None:
    # The child keeps the pipes open, as a plugin of `docker` does.
    ran = command.run(["sh", "-c", "sleep 600 & echo $!; wait"], 0.2)
    assert ran.late
    assert gone(int(ran.stdout))


def test_a_process_is_killed_with_its_children() -> None:
    script = ["sh", "-c", "sleep 600 & echo $!; wait"]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        command.kill_tree(parent.pid)
        parent.wait()
    assert gone(child)
    command.kill_tree(parent.pid)  # gone already


@pytest.fixture
def removed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One-off containers that run a script on this machine; the names of those that were removed."""
    found: list[str] = []

    def compose_run(
        folder: Any, service: str, project: str, name: str, argv: list[str]
    ) -> list[str]:
        found.append(f"made {name}")
        return NEVER if argv[0] == "never" else ["echo", *argv[1:]]

    monkeypatch.setattr(once, "compose_run", compose_run)
    monkeypatch.setattr(docker, "remove", lambda name: found.append(f"removed {name}"))
    return found


def test_a_one_off_container_is_removed_at_its_bound(removed: list[str], tmp_path: Path) -> None:
    ran = once.run_once(
        store.Store(tmp_path / "shop", Lease(tmp_path), "web-1"), "v1", "api", ["never"], 0.2
    )
    made, gone_again = removed
    assert made.startswith("made shop-api-once-")
    assert gone_again == made.replace("made", "removed")
    shown = once.evidence("api check", ran, "services.api.check_timeout", redact.known([]))
    assert shown["event"] == "timeout"
    assert shown["reason"] == (
        "`never` did not end within 0.2 s (services.api.check_timeout); its container was killed and "
        "removed"
    )
    assert shown["logs"] == ["waiting", "begun"]


def test_one_that_ends_removes_itself(removed: list[str], tmp_path: Path) -> None:
    ran = once.run_once(
        store.Store(tmp_path / "shop", Lease(tmp_path), "web-1"),
        "v1",
        "api",
        ["say", "hunter22"],
        60,
    )
    assert (ran.status, ran.stdout, len(removed)) == (0, "hunter22\n", 1)
    shown = once.evidence("api check", ran._replace(status=2), "key", redact.known(["hunter22"]))
    assert shown["event"] == "exited"
    assert shown["reason"] == "`say ••••••` ended with status 2"
    assert shown["logs"] == ["••••••"]


def test_its_container_has_the_name_that_is_removed() -> None:
    argv = once.compose_run(Path("/r"), "api", "delight-api-once", "delight-api-once-1", ["see"])
    assert argv[argv.index("--name") + 1] == "delight-api-once-1"
    assert argv[-2:] == ["api-once", "see"]


class Engine:
    """A Docker socket: `answers` are (question, answer), in order; None is an answer that never ends."""

    def __init__(self, path: Path, answers: list[tuple[str, Any]]) -> None:
        self.over = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self._serve, args=(answers,), daemon=True)
        self.thread.start()

    def _serve(self, answers: list[tuple[str, Any]]) -> None:
        for question, answer in answers:
            client = self.listener.accept()[0]
            with client:
                asked = client.recv(65536).decode()
                assert asked.startswith(question), asked
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                if answer is None:
                    threading.Thread(target=self._trickle, args=(client.dup(),)).start()
                else:
                    client.sendall(json.dumps(answer).encode())

    def _trickle(self, client: socket.socket) -> None:
        with client:
            for _ in range(200):
                try:
                    client.sendall(b".")
                except OSError:
                    return
                self.over.wait(0.01)


@pytest.fixture
def engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[list[tuple[str, Any]]], None]]:
    started: list[Engine] = []
    monkeypatch.setattr(docker, "SOCKET", str(tmp_path / "docker.sock"))

    def start(answers: list[tuple[str, Any]]) -> None:
        started.append(Engine(tmp_path / "docker.sock", answers))

    yield start
    for one in started:
        one.over.set()
        one.thread.join(10)
        one.listener.close()


def test_an_engine_that_does_not_come_to_an_end_is_given_up(engine: Any) -> None:
    engine([("GET /info", None)])
    with pytest.raises(docker.DockerTimeout, match=r"not answered GET /info within 0\.1 s"):
        docker.call("GET", "/info", timeout_s=0.1)


def test_a_health_command_is_killed_at_its_bound(engine: Any) -> None:
    sleeping = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    engine(
        [
            ("POST /containers/c/exec", {"Id": "e"}),
            ("POST /exec/e/start", None),
            ("GET /exec/e/json", {"Running": True, "Pid": sleeping.pid}),
        ]
    )
    status, said = docker.run_in("c", ["see", "it"], 0.1)
    assert (status, said) == (None, "`see it` did not end within 0.1 s and was killed")
    assert sleeping.wait() == -9


def test_compose_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "COMPOSE_S", 0.2)
    with pytest.raises(docker.DockerError, match=r"not done within 0\.2 s, and ended"):
        docker.compose(["sh", "-c", "sleep 600"], {})


def test_a_pull_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(docker, "call", lambda *args, **more: asked.update(more) or b"")
    images.pull("r.test/api@sha256:1", None)
    assert asked["timeout_s"] == images.PULL_S


def test_the_check_of_the_edge_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(argv: list[str], bound_s: float) -> command.Ran:
        asked.append(bound_s)
        return command.Ran(argv, -9, "", "", bound_s, late=True)

    (tmp_path / "edge").mkdir()
    monkeypatch.setattr(command, "run", run)
    with pytest.raises(edge.EdgeError, match="has not read its new backends within 60 s"):
        edge.Edge(tmp_path).write_backends("backend x\n")
    assert asked == [edge.CHECK_S]
    assert list((tmp_path / "edge").iterdir()) == []
