"""Notices that are written, and a client that comes back with `Last-Event-ID` as browsers do."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from tests.backing import Postgres
from tests.process import Service, http
from tests.tokens import public_pem, signed_in

PATH = "/api/v1/events"
LONG = "3600"  # seconds: nothing that a test sees comes from a timer


def values_of(database_url: str, redis_url: str) -> dict[str, str]:
    """The environment of a service whose streams have no timers to help them."""
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CLERK_JWT_KEY": public_pem(),
        "RELEASE": "old",
        "EVENTS_HEARTBEAT": LONG,
        "EVENTS_MAX_AGE": LONG,
        "GRACEFUL_TIMEOUT": LONG,
    }


def sign_up(running: Service, subject: str = "user_1") -> None:
    """Let a user come to be."""
    me = http.get(f"{running.url}/api/v1/users/me", headers=signed_in(subject))
    assert me.status_code == 200


class Event(NamedTuple):
    """One event."""

    id: int
    data: dict[str, Any]


class Stream:
    """An open answer, read line by line."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.comments = 0
        self.retry: int | None = None
        self._lines = answer.iter_lines()

    def events(self) -> Iterator[Event]:
        """Events until the server ends the stream."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                assert fields["event"] == "notice"
                yield Event(int(fields["id"]), json.loads(fields["data"]))
                fields = {}
            else:
                self.retry = int(fields.pop("retry", self.retry or 0))

    def take(self, count: int) -> list[Event]:
        """The next ones; waits for them."""
        events = self.events()
        return [next(events) for _ in range(count)]


@contextmanager
def stream(url: str, subject: str = "user_1", last_id: int | None = None) -> Iterator[Stream]:
    """A stream for the length of the block; nothing that does not come within a minute."""
    headers = signed_in(subject) | ({"Last-Event-ID": str(last_id)} if last_id else {})
    with http.stream("GET", url + PATH, headers=headers, timeout=60) as answer:
        assert answer.status_code == 200, answer.read()
        yield Stream(answer)


class EventSource(threading.Thread):
    """Collects events for good; when a stream ends or is refused it tries the next address."""

    def __init__(self, urls: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self.urls = urls
        self.seen: list[int] = []
        self.ends: list[str] = []  # how each stream ended
        self.served: list[str] = []  # by whom each event was sent
        self.enough = threading.Event()

    def run(self) -> None:
        """Until told that it is enough."""
        turn = 0
        while not self.enough.is_set():
            url = self.urls[turn % len(self.urls)]
            turn += 1
            try:
                with stream(url, last_id=self.seen[-1] if self.seen else None) as opened:
                    for event in opened.events():
                        self.seen.append(event.id)
                        self.served.append(url)
                        if self.enough.is_set():
                            return
                self.ends.append("ended")
            except httpx.ConnectError:
                time.sleep(0.01)
            except httpx.TransportError as error:
                self.ends.append(type(error).__name__)


def insert(kind: str, subject: str = "user_1") -> str:
    """The statement that sends a notice to the user; answers with its id."""
    return (
        f"INSERT INTO notices (user_id, kind) SELECT id, '{kind}' FROM users "
        f"WHERE clerk_user_id = '{subject}' RETURNING id;"
    )


class Writer(threading.Thread):
    """Sends notices without a pause, several at once, each in a transaction of its own length."""

    def __init__(self, postgres: Postgres, database: str) -> None:
        super().__init__(daemon=True)
        self.postgres, self.database = postgres, database
        self.enough = threading.Event()
        self.written = 0

    def run(self) -> None:
        """Until told that it is enough."""
        while not self.enough.is_set():
            sessions = [self.postgres.psql(self.database) for _ in range(3)]
            for number, session in enumerate(sessions):
                assert session.stdin is not None
                # Each takes its time between drawing the id and the commit.
                wait = f"SELECT pg_sleep({0.02 * (3 - number)});"
                session.stdin.write(f"BEGIN; {insert('n')} {wait} COMMIT;\n")
                session.stdin.flush()
            for session in sessions:
                session.communicate(timeout=60)
            self.written += len(sessions)
