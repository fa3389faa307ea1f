"""The stream of a user's notices: at once, in order, each once; one service for all these tests."""

from collections.abc import Iterator

import pytest

from tests.backing import Postgres, Redis, wait_until
from tests.event_source import PATH, insert, sign_up, stream, values_of
from tests.process import Service, http, service
from tests.tokens import signed_in


@pytest.fixture(scope="module")
def tables(postgres: Postgres, migrated: str) -> Iterator[str]:
    """The name of the service's database."""
    with postgres.database(migrated) as name:
        yield name


@pytest.fixture(scope="module")
def running(postgres: Postgres, redis: Redis, tables: str) -> Iterator[Service]:
    """A service that every test leaves as it was."""
    with service(values_of(postgres.url(tables), redis.url())) as made:
        yield made


@pytest.fixture
def user(running: Service, request: pytest.FixtureRequest) -> str:
    """A user of the test's own."""
    sign_up(running, request.node.name)
    return str(request.node.name)


def test_events_come_and_can_be_resumed(
    running: Service, user: str, postgres: Postgres, tables: str
) -> None:
    sign_up(running, "another")
    first = int(postgres.sql(insert("before", user), tables))
    with stream(running.url, user) as opened:
        headers = opened.answer.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert headers["cache-control"] == "no-store, no-transform"
        [before] = opened.take(1)
        assert opened.retry == 1000
        assert before.id == first
        assert before.data.keys() == {"id", "kind", "data", "created_at"}
        postgres.sql(insert("other", "another"), tables)
        ids = [int(postgres.sql(insert(kind, user), tables)) for kind in ("one", "two")]
        events = opened.take(2)
        assert [event.id for event in events] == ids
        assert [event.data["kind"] for event in events] == ["one", "two"]
    with stream(running.url, user, ids[0]) as opened:
        assert [event.data["kind"] for event in opened.take(1)] == ["two"]


def test_more_than_a_page(running: Service, user: str, postgres: Postgres, tables: str) -> None:
    many = insert("many", user).replace("FROM users", "FROM users, generate_series(1, 250)")
    ids = [int(line) for line in postgres.sql(many, tables).split()]
    with stream(running.url, user) as opened:
        assert [event.id for event in opened.take(250)] == ids


def test_refusals(running: Service) -> None:
    url = running.url + PATH
    assert http.get(url).status_code == 401
    for wrong in ("x", "-1", str(2**63)):
        answer = http.get(url, headers={"Last-Event-ID": wrong, **signed_in()})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/Last-Event-ID"


def test_ids_are_in_the_order_of_commits(
    running: Service, user: str, postgres: Postgres, tables: str
) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    held = waiting.replace("NOT ", "")
    slow, quick = postgres.psql(tables), postgres.psql(tables)
    assert slow.stdin is not None
    slow.stdin.write(f"BEGIN; {insert('slow', user)}\n")
    slow.stdin.flush()
    wait_until(lambda: postgres.sql(held, tables) == "1", "the slow one has its id")
    assert quick.stdin is not None
    quick.stdin.write(f"{insert('quick', user)}\n")
    quick.stdin.flush()
    wait_until(lambda: postgres.sql(waiting, tables) == "1", "the quick one waits for it")
    with stream(running.url, user) as opened:
        # Others need not wait.
        sign_up(running, "another")
        postgres.sql(insert("other", "another"), tables)
        slow.communicate("COMMIT;\n", timeout=60)
        quick.communicate(timeout=60)
        events = opened.take(2)
    assert [event.data["kind"] for event in events] == ["slow", "quick"]
