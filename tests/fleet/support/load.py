"""A steady load that counts every failure a user would have seen.

    with Load("http://127.0.0.1:8080", rate=200) as load:
        ...
    assert load.report.failures == []

Requests leave on a fixed schedule whether or not earlier ones were answered, up to IN_FLIGHT of
them: a machine that cannot keep up gets a lower rate, told as `lag`, and not a queue that grows for
ever. Nothing is ever sent twice. By hand: `python -m tests.fleet.support URL --rate 200 --seconds 30`.
"""

import asyncio
import itertools
import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from tests.fleet.support.report import Failure, Kind, Report, Served, Stream
from tests.fleet.support.wire import Answer, Broken, Connection, Target

# Of every ten requests on the schedule; interleaved so that no kind comes in bursts.
PATTERN: tuple[Kind, ...] = (
    "kept", "new", "kept", "post", "kept", "new", "kept", "new", "post", "kept",
)  # fmt: skip
IDLE_CONNECTIONS = 24
IN_FLIGHT = 400
# A schedule that is farther behind is moved, or the requests that are due would leave as one burst.
FORGIVEN_S = 1.0
START_S = 60


class Load:
    """A load in a thread of its own.

    Args:
        url: base of the application; `/echo`, `/slow` and `/stream` are taken below its path.
        rate: kept-alive, new and POST requests a second, together.
        slow_rate: requests a second that take `slow_s` seconds each.
        streams: streams held open; one that ends is opened again.
        path: what kept-alive and new connections ask for, below the base.
        pattern: the kinds of requests on the schedule, in turn.
        timeout_s: bound of one request.
        host, ca_file: Host header and authorities, see Target.
    """

    def __init__(
        self,
        url: str,
        *,
        rate: float = 200,
        slow_rate: float = 2,
        slow_s: float = 0.5,
        streams: int = 0,
        path: str = "/",
        pattern: tuple[Kind, ...] = PATTERN,
        timeout_s: float = 20,
        host: str = "",
        ca_file: str = "",
    ) -> None:
        self.report = Report()
        self._target = Target.parse(url, host, ca_file)
        self._rate, self._slow_rate, self._slow_s = rate, slow_rate, slow_s
        self._pattern = pattern
        self._stream_count, self._path, self._timeout_s = streams, path, timeout_s
        self._name = uuid.uuid4().hex[:12]
        self._numbers = itertools.count(1)
        self._idle: deque[Connection] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._ended: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.until(lambda report: bool(report.served or report.failures), START_S)
        except (TimeoutError, RuntimeError):
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        if self._ended:
            raise RuntimeError("the load ended by itself") from self._ended

    def _end(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _work(self) -> None:
        try:
            asyncio.run(self._run())
        except (
            BaseException
        ) as error:  # a thread's error is seen by nobody: it is raised at the end
            self._ended = error
            with self._changed:
                self._changed.notify_all()

    def until(self, condition: Callable[[Report], bool], timeout_s: float) -> None:
        """Wait until the report meets a condition. Raises TimeoutError with the summary."""
        with self._changed:
            self._changed.wait_for(lambda: condition(self.report) or self._ended, timeout_s)
        if self._ended:
            raise RuntimeError("the load ended by itself") from self._ended
        if not condition(self.report):
            raise TimeoutError(f"not seen within {timeout_s} s: {self.report.summary()}")

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        stream_tasks = [asyncio.create_task(self._stream()) for _ in range(self._stream_count)]
        pacers = [self._pace(self._rate, itertools.cycle(self._pattern)), self._notify()]
        if self._slow_rate:
            pacers.append(self._pace(self._slow_rate, itertools.repeat("slow")))
        await asyncio.gather(*pacers)
        if self._tasks:
            await asyncio.wait(self._tasks)
        for task in stream_tasks:
            task.cancel()
        await asyncio.gather(*stream_tasks, return_exceptions=True)
        for connection in self._idle:
            connection.close()

    async def _notify(self) -> None:
        """Wake whoever waits, some times a second rather than at every answer."""
        while not await self._stopped_within(0.05):
            with self._changed:
                self._changed.notify_all()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _pace(self, rate: float, kinds: Any) -> None:
        """Start a request every 1/rate seconds until the stop."""
        due = time.monotonic()
        for kind in kinds:
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            elif -wait > FORGIVEN_S:
                due = time.monotonic()
            self.report.lag = max(self.report.lag, -wait)
            while len(self._tasks) >= IN_FLIGHT and not self._stop.is_set():
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            if self._stop.is_set():
                return
            task = asyncio.create_task(self._request(kind))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            due += 1 / rate

    async def _request(self, kind: Kind) -> None:
        sent = time.time()
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await getattr(self, f"_{kind}")()
            if answer.status >= 400:
                raise Broken(f"status {answer.status}")
        except TimeoutError:
            self._fail(kind, sent, f"no answer within {self._timeout_s:g} s")
        except Broken as broken:
            self._fail(kind, sent, str(broken))
        except Exception as error:  # an answer that is no HTTP is a failure like any other
            self._fail(kind, sent, f"{type(error).__name__}: {error}")
        else:
            self.report.served.append(Served(kind, sent, time.time(), release_of(answer)))

    def _fail(self, kind: Kind, sent: float, reason: str) -> None:
        self.report.failures.append(Failure(kind, sent, time.time(), reason))

    async def _kept(self) -> Answer:
        while self._idle:
            connection = self._idle.popleft()
            if connection.usable:
                break
            connection.close()
            self.report.reopened += 1
        else:
            connection = await Connection.open(self._target)
        return await self._ask(connection, keep=True)

    async def _new(self) -> Answer:
        return await self._ask(await Connection.open(self._target), keep=False)

    async def _slow(self) -> Answer:
        connection = await Connection.open(self._target)
        return await self._ask(connection, keep=False, path=f"/slow?s={self._slow_s:g}")

    async def _post(self) -> Answer:
        key = f"{self._name}-{next(self._numbers)}"
        body = json.dumps({"id": key, "text": "x" * 200}).encode()
        connection = await Connection.open(self._target)
        answer = await self._ask(connection, keep=False, path="/echo", body=body, key=key)
        if answer.status < 400 and answer.body != body:
            raise Broken("wrong echo")
        if answer.headers.get("x-seen", "1") != "1":
            raise Broken("reached the application twice")
        return answer

    async def _ask(
        self,
        connection: Connection,
        *,
        keep: bool,
        path: str = "",
        body: bytes = b"",
        key: str = "",
    ) -> Answer:
        headers = {} if keep else {"Connection": "close"}
        if key:
            headers["X-Request-Id"] = key
        whole = self._target.prefix + (path or self._path)
        try:
            answer = await connection.ask("POST" if body else "GET", whole, headers, body)
        except BaseException:
            connection.close()
            raise
        if keep and answer.keeps_open and len(self._idle) < IDLE_CONNECTIONS:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    async def _stream(self) -> None:
        """Hold a stream open; when it ends, note how, and open the next one."""
        while not await self._stopped_within(0.01):
            sent = time.time()
            try:
                await self._one_stream()
            except Exception as error:
                self._fail("stream", sent, str(error) or "no answer in time")
                # A server that refuses is asked again, but not in a tight loop.
                await self._stopped_within(0.2)

    async def _one_stream(self) -> None:
        async with asyncio.timeout(self._timeout_s):
            connection = await Connection.open(self._target)
            path = f"{self._target.prefix}/stream"
            status, headers = await connection.head("GET", path, {"Connection": "close"})
        if status >= 400:
            connection.close()
            raise Broken(f"status {status}")
        stream = Stream(started=time.time(), release=headers.get("x-release", ""))
        self.report.streams.append(stream)
        try:
            async for chunk in connection.chunks():
                stream.lines += chunk.count(b"data:")
            stream.end = "clean"
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            stream.end = "cut"
        except asyncio.CancelledError:
            stream.end = "client"
            raise
        finally:
            stream.ended = time.time()
            connection.close()


def release_of(answer: Answer) -> str:
    """The release that an answer names, by header or in its JSON body; "" when it names none."""
    if "x-release" in answer.headers:
        return answer.headers["x-release"]
    try:
        return str(json.loads(answer.body)["release"])
    except (ValueError, KeyError, TypeError):
        return ""


@contextmanager
def unharmed(url: str) -> Iterator[Load]:
    """A load of at least 200 requests a second, of every kind, of which none may fail."""
    with Load(url, rate=200) as running:
        yield running
    assert running.report.failures[:20] == []
    assert running.report.doubts() == ""
