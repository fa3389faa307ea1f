"""The life of the streams of notices: bounds, outages, ends, and a switch of releases."""

import signal
from collections.abc import Iterator

import pytest

from app.core.settings import Settings
from tests.backing import Postgres, wait_until
from tests.event_source import PATH, EventSource, Writer, insert, sign_up, stream, values_of
from tests.process import Service, http, service
from tests.tokens import signed_in


@pytest.fixture
def values(with_tables: Settings) -> dict[str, str]:
    """The environment of a service whose streams have no timers to help them."""
    urls = with_tables.database_url, with_tables.redis_url
    return values_of(*(url.get_secret_value() for url in urls))


@pytest.fixture
def running(values: dict[str, str]) -> Iterator[Service]:
    """A service with a user."""
    with service(values) as made:
        sign_up(made)
        yield made


def test_a_lost_connection_loses_no_event(
    running: Service, postgres: Postgres, tables: str
) -> None:
    listening = (
        "FROM pg_stat_activity WHERE application_name = 'delight-events' "
        "AND datname = current_database()"
    )
    with stream(running.url) as opened:
        wait_until(
            lambda: postgres.sql(f"SELECT count(*) {listening}", tables) == "1", "it listens"
        )
        postgres.sql(insert("before"), tables)
        assert [event.data["kind"] for event in opened.take(1)] == ["before"]
        postgres.sql(f"SELECT pg_terminate_backend(pid) {listening}; {insert('between')}", tables)
        assert [event.data["kind"] for event in opened.take(1)] == ["between"]
        with postgres.stopped():
            pass
        postgres.sql(insert("after"), tables)
        assert [event.data["kind"] for event in opened.take(1)] == ["after"]


def test_an_idle_stream_is_alive_and_holds_no_connection(
    values: dict[str, str], postgres: Postgres, tables: str
) -> None:
    with service(values | {"DB_POOL_SIZE": "1", "EVENTS_HEARTBEAT": "0.05"}) as running:
        sign_up(running)
        with stream(running.url) as one, stream(running.url), stream(running.url):
            assert running.metric("events_streams_open") == 3
            sign_up(running, "user_2")
            for line in one.answer.iter_lines():
                if line.startswith(":"):
                    break
            # Without a notification a look at each heartbeat would do.
            postgres.sql("ALTER TABLE notices DISABLE TRIGGER notices_tell", tables)
            postgres.sql(insert("silent"), tables)
            with stream(running.url) as late:
                assert late.take(1)
        wait_until(lambda: running.metric("events_streams_open") == 0, "all places are free")
        wait_until(lambda: running.metric("db_pool_checked_out") == 0, "no connection is in use")


def test_places_are_bounded_until_their_clients_leave(values: dict[str, str]) -> None:
    few = {"EVENTS_MAX_STREAMS": "3", "EVENTS_MAX_STREAMS_PER_USER": "2"}
    with service(values | few | {"EVENTS_HEARTBEAT": "0.05"}) as running:
        sign_up(running)
        url = running.url + PATH
        with stream(running.url), stream(running.url):
            mine = http.get(url, headers=signed_in())
            assert (mine.status_code, mine.json()["code"]) == (429, "too_many_streams")
            assert mine.headers["retry-after"] == "5"
            with stream(running.url, "user_2"):
                full = http.get(url, headers=signed_in("user_3"))
                assert (full.status_code, full.json()["code"]) == (503, "unavailable")
                assert full.headers["retry-after"] == "5"
        # The server sees at its next sign of life that the clients have left.
        wait_until(lambda: running.metric("events_streams_open") == 0, "the places are free")
        with stream(running.url), stream(running.url), stream(running.url, "user_2"):
            pass


def test_a_stream_ends_for_a_new_sign_in(values: dict[str, str]) -> None:
    with service(values | {"EVENTS_MAX_AGE": "0.1"}) as running:
        sign_up(running)
        with stream(running.url) as opened:
            assert list(opened.events()) == []


def test_a_stop_ends_streams_cleanly(running: Service) -> None:
    # An hour of grace: that it ends at all is the streams' doing.
    with stream(running.url) as opened:
        wait_until(lambda: running.metric("events_streams_open") == 1, "the stream is open")
        running.process.send_signal(signal.SIGTERM)
        assert list(opened.events()) == []
    status, lines = running.end()
    assert status == 0
    [line] = [line for line in lines if line.get("path") == PATH]
    assert (line["route"], line["status"]) == (PATH, 200)


def test_no_event_is_lost_or_repeated_across_a_switch(
    values: dict[str, str], postgres: Postgres, tables: str
) -> None:
    with service(values) as old, service(values | {"RELEASE": "new"}) as new:
        sign_up(old)
        writer, source = Writer(postgres, tables), EventSource([old.url, new.url])
        writer.start()
        source.start()
        wait_until(lambda: len(source.seen) >= 10, "events come from the old release")
        old.process.send_signal(signal.SIGTERM)
        status, _ = old.end()
        assert status == 0
        wait_until(lambda: source.served.count(new.url) >= 10, "events come from the new one")
        writer.enough.set()
        writer.join(60)
        ids = [
            int(line) for line in postgres.sql("SELECT id FROM notices ORDER BY id", tables).split()
        ]
        wait_until(lambda: len(source.seen) >= len(ids), "all have come")
        source.enough.set()
        postgres.sql(insert("last"), tables)
        source.join(60)
    assert source.seen[: len(ids)] == ids
    assert source.served[0] == old.url
    assert source.ends == ["ended"]
