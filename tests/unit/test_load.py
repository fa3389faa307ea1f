"""The load client must see every kind of failure, and none where there is none."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.fleet.support.load import Load
from tests.fleet.support.report import Failure, Report, Served, Stream

Reply = Callable[[str, bytes, asyncio.StreamWriter], Awaitable[bool]]


class Server:
    """An HTTP server whose answers a test replaces."""

    def __init__(self) -> None:
        self.reply: Reply = good
        self.connections = 0
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        self._started.wait(30)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/base"
        self._started.set()
        await self._stop.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
                body = await reader.readexactly(int(fields.get("Content-Length", 0)))
                if not await self.reply(head.split(" ")[1], body, writer):
                    break
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        writer.close()


def answer(body: bytes, status: str = "200 OK", more: str = "", length: int = -1) -> bytes:
    size = length if length >= 0 else len(body)
    return f"HTTP/1.1 {status}\r\n{more}Content-Length: {size}\r\n\r\n".encode() + body


async def good(path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
    if path == "/base/stream":
        writer.write(b"HTTP/1.1 200 OK\r\nX-Release: r1\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(2):
            writer.write(b"9\r\ndata: 1\n\n\r\n")
        writer.write(b"0\r\n\r\n")
        return False
    writer.write(answer(body or b'{"release": "r1"}'))
    return True


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


def run(server: Server, requests: int = 20, **options: float) -> Report:
    """A load until so many requests have ended."""
    chosen: dict[str, float] = {"streams": 0, "slow_rate": 0, "rate": 100, "timeout_s": 20}
    chosen.update(options)
    with Load(server.url, **chosen) as load:  # type: ignore[arg-type]
        load.until(lambda seen: len(seen.served) + len(seen.failures) >= requests, 60)
    return load.report


def test_a_good_server_gives_no_failure(server: Server) -> None:
    report = run(server, 40, slow_rate=10)
    assert report.failures == []
    assert report.releases() == {"r1", ""}, "an echo names no release here"
    assert min(report.count(kind) for kind in ("kept", "new", "post", "slow")) > 0
    assert report.count("kept") > 2 * report.count("post")


def test_kept_connections_are_used_again(server: Server) -> None:
    report = run(server, 60)
    assert server.connections < report.count()


async def refuse(path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(answer(b"no", status="503 Service Unavailable"))
    return True


async def shorten(path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(answer(b"half", length=8))
    return False


async def hang_up(path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
    return False


async def break_off(path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200")
    return False


async def stay_silent(path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
    await asyncio.get_running_loop().create_future()
    return False


async def babble(path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"good morning\r\n\r\n")
    return False


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (babble, "ValueError: invalid literal for int() with base 10: 'morning'"),
        (refuse, "status 503"),
        (shorten, "short body"),
        (hang_up, "closed without an answer"),
        (break_off, "short head"),
    ],
)
def test_each_bad_answer_is_counted_once_with_its_reason(
    server: Server, reply: Reply, reason: str
) -> None:
    server.reply = reply
    report = run(server)
    assert report.served == []
    assert {one.reason for one in report.failures} == {reason}
    assert all(one.failed >= one.sent for one in report.failures)


def test_silence_is_a_failure_after_the_timeout(server: Server) -> None:
    server.reply = stay_silent
    report = run(server, 3, timeout_s=0.2, rate=20)
    assert {one.reason for one in report.failures} == {"no answer within 0.2 s"}


def test_a_refused_connection_is_a_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with Load(url, rate=50, streams=0, slow_rate=0) as load:
            load.until(lambda seen: len(seen.failures) > 4, 30)
    assert {one.reason for one in load.report.failures} == {"connect refused"}


@pytest.mark.parametrize(
    ("body", "more", "reason"),
    [
        (b"other", "", "wrong echo"),
        (b"", "X-Seen: 2\r\n", "reached the application twice"),
    ],
)
def test_a_post_must_come_back_as_sent_and_once(
    server: Server, body: bytes, more: str, reason: str
) -> None:
    async def tamper(path: str, sent: bytes, writer: asyncio.StreamWriter) -> bool:
        writer.write(answer((body or sent) if sent else b"{}", more=more if sent else ""))
        return True

    server.reply = tamper
    report = run(server, 30)
    assert {(one.kind, one.reason) for one in report.failures} == {("post", reason)}


def test_a_clean_stream_is_told_from_one_that_was_cut(server: Server) -> None:
    async def cut(path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
        return False

    for reply, end, lines in ((good, "clean", 2), (cut, "cut", 1)):
        server.reply = reply
        with Load(server.url, rate=20, slow_rate=0, streams=1) as load:
            load.until(lambda seen: any(one.end != "open" for one in seen.streams), 30)
        assert (load.report.streams[0].end, load.report.streams[0].lines) == (end, lines)


def test_the_schedule_does_not_wait_for_answers(server: Server) -> None:
    arrived = 0
    enough = asyncio.Event()

    async def hold(path: str, body: bytes, writer: asyncio.StreamWriter) -> bool:
        nonlocal arrived
        arrived += 1
        if arrived >= 6:
            enough.set()
        await enough.wait()
        return await good(path, body, writer)

    server.reply = hold
    assert run(server).failures == [], "a client that waits for answers would stand still here"


def test_the_report_answers_what_a_story_asks() -> None:
    report = Report(
        served=[Served("kept", 1.0, 1.1, "a"), Served("new", 2.0, 2.1, "b")],
        failures=[Failure("new", 1.5, 1.6, "connect refused")],
        streams=[Stream(1.0, "a", 5.0, 3, "cut"), Stream(1.0, "a", 9.0, 3, "client")],
    )
    assert report.releases(sent_after=1.5) == {"b"}
    assert (len(report.ended_before(6.0)), report.ended_before(4.0)) == (1, [])
    assert report.summary()["reasons"] == {"new: connect refused": 1}


def test_a_load_that_ends_by_itself_is_an_error(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Load(server.url, rate=20, slow_rate=0)

    async def give_up() -> None:
        raise RuntimeError("no more")

    monkeypatch.setattr(load, "_notify", give_up)
    with pytest.raises(RuntimeError, match="the load ended by itself"), load:
        load.until(lambda report: report.count() > 10**6, 60)


def sent(*moments: tuple[float, str]) -> Report:
    """A report of quick answers, by when they were sent and who answered."""
    return Report(served=[Served("new", at, at + 0.01, release) for at, release in moments])


def test_a_client_that_stalled_proves_nothing() -> None:
    assert sent((1.0, "a"), (1.5, "a"), (2.0, "b")).doubts() == ""
    assert sent((1.0, "a"), (9.0, "a"), (9.5, "b")).doubts() == "", "far from any switch"
    at_the_switch = sent((1.0, "a"), (1.5, "a"), (4.0, "b"), (4.1, "b"))
    assert at_the_switch.doubts() == "machine too slow: nothing was sent for 2.5 s at a switch"
    late = Report(lag=2.5)
    assert late.doubts() == "machine too slow: the client fell 2.5 s behind its schedule"
