"""The stand-in for HAProxy that the simulated fleet has, held against the binary that hosts run.

Each story is told twice, with the release engine's own commands: what the engine reads must be the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from delight.host import command
from delight.host import edge as host_edge

from tests.edge.process import Edge, proxy_folder
from tests.render.edge_texts import backends, slot
from tests.simulation.edge import Running
from tests.support.ports import free_ports
from tests.support.waiting import PATIENCE_S, wait_until

HERE, NOBODY = "127.0.0.1", "127.0.0.9"  # the addresses of replicas: one that answers, and none
LIVE = {"*/": "api-blue"}
POOL = {"pool": "in", "ready": "yes"}
READ = ("pxname", "svname", "status", "check_status", "scur")  # of a server's counters


class Replica(BaseHTTPRequestHandler):
    """Answers every check well."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def replica(port: int = 0) -> Iterator[int]:
    """A replica that answers on a port inside the block."""
    with ThreadingHTTPServer((HERE, port), Replica) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(PATIENCE_S)


@dataclass
class Side:
    """An edge, real or not: its files below `folder`, and the release engine's view of it."""

    folder: Path
    engine: host_edge.Edge = field(init=False)

    def __post_init__(self) -> None:
        # The engine calls the folder `edge`; the real one lies where its container may enter.
        self.engine = host_edge.Edge(self.folder)
        for name, path in vars(self.engine).items():
            setattr(self.engine, name, self.folder / path.relative_to(self.folder / "edge"))

    def write(self, name: str, text: str) -> None:
        """Put a file where the edge reads it."""
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o644)

    def said(self, *commands: str) -> list[str]:
        """The answers to commands; `{live}` and `{pool}` are the maps, `reload` goes to the master."""
        return [self._said(one) for one in commands]

    def _said(self, text: str) -> str:
        if text == "reload":
            return self.reload()
        maps = {"live": self.engine.map_file, "pool": self.engine.pool_file}
        return self.engine.ask(text.format(**maps)).strip()

    def reload(self) -> str:
        """Whether it went well, as soon as only the new worker answers."""
        answer = self.engine.ask("reload", sock="master.sock").partition("\n")[0]
        self.settle()
        return answer

    def settle(self) -> None:
        """Wait until no old worker answers any more."""
        wait_until(lambda: self.engine.old_workers() == 0, "the old worker is gone")

    def maps(self) -> list[dict[str, str]]:
        """What the running edge decides by."""
        return [self.engine.read_runtime(), self.engine.read_runtime(self.engine.pool_file)]


Told = Callable[[Side], Any]


@dataclass
class Pair:
    """The real edge and the stand-in, which is `running`, from the same files and just loaded."""

    real: Side
    stand_in: Side
    running: Running

    def load(self, backends_text: str) -> None:
        """Have both begin anew with these backends."""
        for side in (self.real, self.stand_in):
            side.write("live.map", host_edge.map_text(LIVE))
            side.write("pool.map", host_edge.map_text(POOL))
            side.write("backends.cfg", backends_text)
        self.running.load()
        # Versions of maps are counted from the start of a worker.
        assert self.real.reload() == "Success=1"

    def same(self, story: Told) -> Any:
        """What a story tells of both."""
        imagined, found = story(self.stand_in), story(self.real)
        assert imagined == found
        return found


@pytest.fixture(scope="module")
def process() -> Iterator[Edge]:
    """The real edge; it checks its servers often."""
    with proxy_folder(Edge) as edge:
        often = {"interval": "100ms", "interval_changing": "50ms", "interval_down": "50ms"}
        edge.configure(edge_checks={**often, "fall": 1})
        for name in ("live.map", "pool.map", "backends.cfg"):
            edge.write(name, "")
        edge.start()
        yield edge


@pytest.fixture
def served() -> Iterator[str]:
    """backends.cfg of two slots: blue has two replicas, of which one is there, green has none."""
    with replica() as port:
        blue = slot("api-blue", HERE, NOBODY, port=port, check_timeout_s=5)
        yield backends(blue, slot("api-green", NOBODY, port=port))


@pytest.fixture
def pair(process: Edge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: str) -> Pair:
    """Both, with `served`; a program that the engine starts is started for each in its way."""
    running = Running(tmp_path, healthy=lambda address: address == HERE)
    exchange, run = host_edge.exchange, command.run

    def ask(path: Path, words: str, timeout_s: float) -> str:
        if path.is_relative_to(tmp_path):
            return running.exchange(path.name, words)
        return exchange(path, words, timeout_s)

    def start(argv: list[str], bound_s: float) -> command.Ran:
        if str(tmp_path) in " ".join(argv):
            return command.Ran(argv, 0, "", "", bound_s)
        return run(
            [process.root.name if word.endswith("-edge") else word for word in argv], bound_s
        )

    monkeypatch.setattr(host_edge, "exchange", ask)
    monkeypatch.setattr(command, "run", start)
    found = Pair(Side(process.root), Side(tmp_path), running)
    found.load(served)
    return found


MAPS = {
    "empty": {},
    "one": {"*/": "api-green"},
    "many": {f"*/{number}/": "api-green" for number in range(120)},
    "odd": dict.fromkeys(
        ["[2001:db8::7]/", "a.example.com/;/", "*/\"'/", "*/\\n/\\\\/", "*/<</", "*/@1/", "*/é/"],
        "api-blue",
    ),
}


@pytest.mark.parametrize("which", sorted(MAPS))
def test_a_map_is_committed_and_loaded_again(pair: Pair, which: str) -> None:
    def story(side: Side) -> Any:
        side.engine.commit(MAPS[which])
        committed = side.engine.read_runtime()
        return [committed, side.reload(), *side.maps()]

    assert pair.same(story) == [MAPS[which], "Success=1", MAPS[which], POOL]


def test_a_file_is_read_without_its_comments(pair: Pair) -> None:
    def story(side: Side) -> Any:
        side.write("live.map", "# said by hand\n\n*/ \t api-blue\n*/a/ of two words\n")
        return [side.reload(), *side.maps()]

    assert pair.same(story)[1] == {"*/": "api-blue", "*/a/": "of two words"}


def test_the_pool_has_a_map_of_its_own(pair: Pair) -> None:
    def story(side: Side) -> Any:
        side.engine.set_pool(False)
        return side.maps()

    assert pair.same(story) == [LIVE, {"pool": "in", "ready": "no"}]


LONG = {f"*/{number}/{'x' * 400}/": "api-blue" for number in range(50)}


def test_a_map_that_is_too_long_for_one_command_is_told_in_pieces(pair: Pair) -> None:
    def story(side: Side) -> Any:
        side.engine.commit(LONG)
        return side.maps()

    assert pair.same(story) == [LONG, POOL]


def test_a_command_that_is_too_long_is_refused(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_edge, "PAYLOAD_BYTES", 1 << 20)

    def story(side: Side) -> Any:
        with pytest.raises(host_edge.EdgeError):
            side.engine.commit(LONG)
        return side.maps()

    assert pair.same(story) == [LIVE, POOL], "nothing of it"


PREPARE, ADD = "prepare map {live}", "add map @%d {live} <<\n*/added/ %s\n"
COMMIT = "commit map @%d {live}"
FUTURE = "Version number in the future, please use 'prepare map' before."
RANGE = "Version number out of range."
COMMANDS = {
    "added, not committed": [PREPARE, ADD % (1, "a")],
    "committed": [PREPARE, ADD % (1, "a"), ADD % (1, "b"), COMMIT % 1],
    "committed, empty": [PREPARE, COMMIT % 1],
    "never prepared": [ADD % (1, "a"), COMMIT % 1],
    "prepared for the other map": ["prepare map {pool}", ADD % (1, "a"), COMMIT % 1],
    "committed twice": [PREPARE, ADD % (1, "a"), COMMIT % 1, COMMIT % 1],
    "added to the committed": [PREPARE, COMMIT % 1, ADD % (1, "a")],
    "left behind": [PREPARE, ADD % (1, "a"), PREPARE, ADD % (2, "b"), COMMIT % 2],
    "older": [PREPARE, PREPARE, COMMIT % 2, ADD % (1, "a"), COMMIT % 1],
    "newer": [PREPARE, PREPARE, ADD % (2, "a"), COMMIT % 1, COMMIT % 2],
    "reloaded before the first": [PREPARE, "reload", ADD % (1, "a"), COMMIT % 1],
    "reloaded before the commit": [PREPARE, ADD % (1, "a"), "reload", COMMIT % 1],
    "reloaded after the commit": [PREPARE, COMMIT % 1, "reload", PREPARE, COMMIT % 1],
    "reloaded and prepared anew": [PREPARE, ADD % (1, "a"), "reload", PREPARE, COMMIT % 1],
}


@pytest.mark.parametrize("commands", COMMANDS.values(), ids=COMMANDS)
def test_versions_of_a_map(pair: Pair, commands: list[str]) -> None:
    pair.same(lambda side: [side.said(*commands), side.maps()])


def test_a_version_that_is_gone_is_refused(pair: Pair) -> None:
    """That the stories above meet what they are to meet."""
    said = pair.same(lambda side: side.said(PREPARE, "reload", ADD % (1, "a"), COMMIT % 1))
    assert said == ["New version created: 1", "Success=1", FUTURE, RANGE]


@pytest.mark.parametrize("before", ["add map", "commit map", "show map"])
def test_a_reload_in_the_middle_of_a_commit(
    pair: Pair, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = host_edge.exchange

    def story(side: Side) -> Any:
        asked = []

        def ask(path: Path, words: str, timeout_s: float) -> str:
            asked.append(" ".join(words.split()[:2]))
            if asked.count(before) == 1 and asked[-1] == before:
                side.reload()
            return exchange(path, words, timeout_s)

        monkeypatch.setattr(host_edge, "exchange", ask)
        side.engine.commit({"*/": "api-green"})
        # The real one may be asked more than once whether its old worker is gone.
        return [one for one in asked if one != "show proc"], side.maps()

    asked, maps = pair.same(story)
    assert maps == [{"*/": "api-green"}, POOL]
    assert asked.count("prepare map") == (1 if before == "show map" else 2)


def test_a_reload_that_is_refused_changes_nothing(pair: Pair) -> None:
    def story(side: Side) -> Any:
        side.write("live.map", "")
        side.engine.pool_file.unlink()
        return [side.reload(), side.maps(), side.engine.loaded() != ""]

    assert pair.same(story) == ["Success=0", [LIVE, POOL], True]


def test_backends_are_given_by_a_reload(pair: Pair, served: str) -> None:
    one = backends(slot("other-blue", HERE))

    def story(side: Side) -> Any:
        side.engine.commit({"*/": "api-green"})
        changed = []
        for text in (served, one, one):
            changed.append(side.engine.write_backends(text))
            side.settle()
        servers = [[row["pxname"], row["svname"]] for row in side.engine.servers()]
        return [changed, side.engine.loaded() == host_edge.name_of(one), servers, side.maps()]

    changed, loaded, servers, maps = pair.same(story)
    assert (changed, loaded) == ([False, True, False], True)
    assert servers == [["other-blue", "1"], ["other-blue", "1-backup"]]
    assert maps == [{"*/": "api-green"}, POOL]


def test_an_edge_before_its_first_backends(pair: Pair) -> None:
    def story(side: Side) -> Any:
        side.write("backends.cfg", "")
        return [side.reload(), side.said("get var proc.backends"), side.engine.loaded()]

    assert pair.same(story) == ["Success=1", ["Variable not found."], ""]


def test_how_the_backends_are_called(pair: Pair, served: str) -> None:
    [said] = pair.same(lambda side: side.said("get var proc.backends"))
    assert host_edge.name_of(served) in said


def calm(read: Callable[[], Any]) -> Any:
    """What is read of servers between their checks: none is out, marked by *, or was never made."""
    found = []

    def again() -> bool:
        found.append(read())
        return not any(word in str(found[-1]) for word in ("* ", "INI"))

    wait_until(again, "no check is out")
    return found[-1]


def test_servers_after_their_checks(pair: Pair) -> None:
    def story(side: Side) -> Any:
        engine, blue, green = side.engine, {"api-blue"}, {"api-green"}
        rows = calm(lambda: [{name: row[name] for name in READ} for row in engine.servers()])
        of = (blue, green, blue | green, set[str]())
        sick = [calm(lambda names=names: engine.unready(names)) for names in of]  # type: ignore[misc]
        with pytest.raises(host_edge.EdgeError) as error:
            engine.unready({"api-blue", "gone-blue"})
        return rows, sick, str(error.value), engine.sessions(blue | green)

    rows, sick, _, _ = pair.same(story)
    assert [row["status"] for row in rows[:4]] == ["UP", "DOWN", "no check", "no check"]
    assert sick[0] == ["api-blue/2 (DOWN, check L4CON)"]


def test_a_server_comes_and_goes(pair: Pair) -> None:
    real = pair.real.engine

    def seen(*unready: str) -> None:
        pair.running.healthy = lambda address: not unready
        wait_until(lambda: real.unready({"api-blue"}) == [*unready], f"unready: {unready}")
        found = pair.same(lambda side: calm(lambda: side.engine.unready({"api-blue"})))
        assert found == [*unready]

    [port] = free_ports(1)
    with replica(port):
        pair.load(backends(slot("api-blue", HERE, port=port)))
        seen()
    seen("api-blue/1 (DOWN, check L4CON)")
    with replica(port):
        seen()


def test_sessions_are_cut(pair: Pair) -> None:
    def story(side: Side) -> Any:
        side.engine.cut({"api-blue", "api-green"})
        return side.said("shutdown sessions server api-blue/1")

    assert pair.same(story) == [""]


def test_a_process_without_old_workers(pair: Pair) -> None:
    assert pair.same(lambda side: side.engine.old_workers()) == 0


def test_an_edge_that_is_gone(pair: Pair, own_edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_edge, "STARTING_S", 0.1)
    command.run(["docker", "kill", own_edge.root.name], PATIENCE_S)
    pair.running.silent = True
    asked = [("show map", "admin"), ("prepare map", "admin"), ("show proc", "master")]

    def story(side: Side) -> list[str]:
        said = []
        for words, sock in [*asked, ("reload", "master")]:
            with pytest.raises(host_edge.EdgeError) as error:
                side.engine.ask(words, sock=f"{sock}.sock")
            said.append(str(error.value).replace(str(side.folder), ""))
        return said

    pair.real = Side(own_edge.root)
    assert "[Errno 111] Connection refused; run edge.yml" in pair.same(story)[0]
