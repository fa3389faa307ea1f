"""Clerk's webhook: who may deliver, what it does, in whatever order and however often it comes."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.core.settings import Settings
from app.main import create_app
from app.webhooks.errors import InvalidSignatureError
from app.webhooks.signatures import Signatures
from tests import svix
from tests.backing import Postgres, Redis
from tests.conftest import client_of
from tests.svix import NEXT_SECRET, SECRET
from tests.tokens import signed_in

pytestmark = pytest.mark.anyio
URL = "/api/v1/webhooks/clerk"
T1, T2, T3 = 1_700_000_001_000, 1_700_000_002_000, 1_700_000_003_000
_ids = (f"msg_{number}" for number in itertools.count())


@pytest.fixture
def hooked(with_tables: Settings) -> Settings:
    """The settings with a secret for webhooks."""
    return with_tables.model_copy(update={"clerk_webhook_secret": [SecretStr(SECRET)]})


@pytest.fixture
async def client(hooked: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application with those settings."""
    async with client_of(create_app(hooked)) as made:
        yield made


async def deliver(
    client: httpx.AsyncClient, body: bytes, identity: str | None = None, sent: int | None = None
) -> httpx.Response:
    """A delivery as it should be."""
    signed = svix.headers(body, identity or next(_ids), sent)
    return await client.post(URL, content=body, headers=signed)


class Table:
    """What is stored."""

    def __init__(self, postgres: Postgres, database: str) -> None:
        self._postgres, self._database = postgres, database

    def users(self) -> list[dict[str, Any]]:
        """All rows."""
        text = self.one("SELECT coalesce(json_agg(u ORDER BY clerk_user_id), '[]') FROM users u")
        rows: list[dict[str, Any]] = json.loads(text)
        return rows

    def user(self) -> dict[str, Any]:
        """The only row."""
        [row] = self.users()
        return row

    def one(self, statement: str) -> str:
        """One value."""
        return self._postgres.sql(statement, self._database)


@pytest.fixture
def table(postgres: Postgres, tables: str) -> Table:
    """The table of users."""
    return Table(postgres, tables)


async def test_a_user_is_created_changed_and_deleted(
    client: httpx.AsyncClient, table: Table
) -> None:
    answer = await deliver(client, svix.user("user.created", T1))
    assert (answer.status_code, answer.content) == (204, b"")
    created = table.user()
    assert (created["clerk_user_id"], created["email"]) == ("user_1", "ada@example.com")
    assert (created["display_name"], created["deleted_at"]) == ("Ada Lovelace", None)
    await client.patch("/api/v1/users/me", json={"locale": "de"}, headers=signed_in())
    later = svix.user("user.updated", T2, first_name=None, primary_email_address_id=None)
    assert (await deliver(client, later)).status_code == 204
    updated = table.user()
    assert (updated["email"], updated["display_name"]) == (None, "Lovelace")
    assert (updated["id"], updated["locale"]) == (created["id"], "de")
    assert (await deliver(client, svix.deleted())).status_code == 204
    erased = table.user()
    assert erased["deleted_at"] == "2023-11-14T22:28:20+00:00"
    assert (erased["email"], erased["display_name"], erased["locale"]) == (None, None, "en")
    answer = await client.get("/api/v1/users/me", headers=signed_in())
    assert answer.status_code == 401


EVENTS = {
    "created": svix.user("user.created", T1, first_name="One"),
    "updated": svix.user("user.updated", T2, first_name="Two"),
    "updated again": svix.user("user.updated", T3, first_name="Three"),
    "deleted": svix.deleted(),
}


@pytest.mark.parametrize("order", list(itertools.permutations(EVENTS)), ids=" · ".join)
async def test_any_order_ends_the_same(
    client: httpx.AsyncClient, table: Table, order: tuple[str, ...]
) -> None:
    for name in order:
        assert (await deliver(client, EVENTS[name])).status_code == 204
        assert (await deliver(client, EVENTS[name])).status_code == 204
    row = table.user()
    assert (row["email"], row["display_name"]) == (None, None)
    assert row["deleted_at"] is not None


async def test_older_news_change_nothing(client: httpx.AsyncClient, table: Table) -> None:
    for name in ("updated again", "created", "updated"):
        await deliver(client, EVENTS[name])
    assert table.user()["display_name"] == "Three Lovelace"


async def test_all_at_once(client: httpx.AsyncClient, table: Table) -> None:
    bodies = [svix.user("user.updated", T1 + n, first_name=str(n)) for n in range(12)]
    first_sight = client.get("/api/v1/users/me", headers=signed_in())
    answers = await asyncio.gather(first_sight, *(deliver(client, body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200, 204}
    assert table.user()["display_name"] == "11 Lovelace"


async def test_a_user_seen_before_clerk_tells(client: httpx.AsyncClient, table: Table) -> None:
    seen = (await client.get("/api/v1/users/me", headers=signed_in())).json()
    await deliver(client, EVENTS["created"])
    assert (table.user()["id"], table.user()["email"]) == (seen["id"], "ada@example.com")


async def test_odd_names_are_stored_as_far_as_possible(
    client: httpx.AsyncClient, table: Table
) -> None:
    odd = {"first_name": "A\0" + "x" * 300, "last_name": "  "}
    long = [{"id": "idn_2", "email_address": "x" * 400}]
    body = svix.user("user.created", T1, email_addresses=long, **odd)
    assert (await deliver(client, body)).status_code == 204
    row = table.user()
    assert (row["display_name"], row["email"]) == ("A" + "x" * 254, None)


@pytest.mark.parametrize("kind", ["session.created", "user.createdAtNight", "x"])
async def test_other_events_are_of_no_interest(
    client: httpx.AsyncClient, table: Table, kind: str
) -> None:
    assert (await deliver(client, svix.event(kind, 7))).status_code == 204
    assert table.users() == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"[]", ""),
        (b"not json", ""),
        (svix.event("user.created", {}), "/data/id"),
        (svix.user("user.updated", "soon"), "/data/updated_at"),
        (svix.user("user.updated", 10**30), "/data/updated_at"),
        (svix.user("user.updated", T1, subject="user\0"), "/data/id"),
        (svix.event("user.deleted", {"deleted": True}), "/data/id"),
    ],
)
async def test_events_that_are_not_understood(
    client: httpx.AsyncClient, body: bytes, pointer: str
) -> None:
    identity = next(_ids)
    answer = await deliver(client, body, identity)
    assert answer.status_code == 422
    assert pointer in {entry["pointer"] for entry in answer.json()["errors"]}
    # The id isn't used up: a release that understands it may get it again.
    assert (await deliver(client, EVENTS["created"], identity)).status_code == 204


async def test_a_replay_is_refused(client: httpx.AsyncClient, table: Table) -> None:
    sent, identity = int(time.time()) - 60, next(_ids)
    assert (await deliver(client, EVENTS["created"], identity, sent)).status_code == 204
    for _ in range(2):
        answer = await deliver(client, EVENTS["created"], identity, sent)
        assert (answer.status_code, answer.json()["code"]) == (409, "replayed")
    # A later attempt, signed anew, is no replay, and is not done again.
    table.one("UPDATE users SET display_name = 'untouched'")
    assert (await deliver(client, EVENTS["created"], identity, sent + 5)).status_code == 204
    assert table.user()["display_name"] == "untouched"
    for again in (sent, sent + 5):
        answer = await deliver(client, EVENTS["created"], identity, again)
        assert answer.status_code == 409


async def test_of_two_at_once_one_is_done(client: httpx.AsyncClient) -> None:
    identity, sent = next(_ids), int(time.time())
    same = (deliver(client, EVENTS["created"], identity, sent) for _ in range(4))
    statuses = [answer.status_code for answer in await asyncio.gather(*same)]
    assert sorted(statuses) == [204, 409, 409, 409]


async def test_a_delivery_that_failed_may_come_again(
    client: httpx.AsyncClient, table: Table
) -> None:
    table.one("ALTER TABLE users ADD CONSTRAINT none CHECK (display_name = 'nobody')")
    identity, sent = next(_ids), int(time.time())
    assert (await deliver(client, EVENTS["created"], identity, sent)).status_code == 500
    assert table.one("SELECT count(*) FROM webhook_deliveries") == "0"
    table.one("ALTER TABLE users DROP CONSTRAINT none")
    assert (await deliver(client, EVENTS["created"], identity, sent)).status_code == 204


async def test_old_deliveries_are_forgotten(client: httpx.AsyncClient, table: Table) -> None:
    table.one(
        "INSERT INTO webhook_deliveries SELECT 'old_' || n, now(), now() - interval '3 days' "
        "FROM generate_series(1, 150) n"
    )
    for _ in range(2):
        await deliver(client, EVENTS["created"])
    assert table.one("SELECT count(*) FROM webhook_deliveries") == "2"


async def test_works_without_redis(
    client: httpx.AsyncClient, redis: Redis, table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    with redis.stopped():
        for name in ("created", "updated"):
            assert (await deliver(client, EVENTS[name])).status_code == 204
    assert table.user()["display_name"] == "Two Lovelace"
    assert len([r for r in caplog.records if r.name == "app.rate"]) == 1


async def test_without_the_database_it_may_come_again(
    client: httpx.AsyncClient, postgres: Postgres
) -> None:
    with postgres.stopped():
        answer = await deliver(client, EVENTS["created"])
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


async def test_without_a_secret_nothing_is_taken(with_tables: Settings) -> None:
    async with client_of(create_app(with_tables)) as client:
        answer = await deliver(client, EVENTS["created"])
    assert (answer.status_code, answer.json()["code"]) == (503, "webhook_not_configured")


BODY = EVENTS["created"]


def changed(**values: str) -> dict[str, str]:
    """The headers of a good delivery, with others in place of some."""
    return svix.headers(BODY, "msg_x") | {f"svix-{name}": text for name, text in values.items()}


def seconds_off(seconds: int) -> dict[str, str]:
    """Well signed, at another time."""
    return svix.headers(BODY, "msg_x", int(time.time()) + seconds)


# What is wrong, and headers made when they are used.
FORGED: dict[str, Callable[[], dict[str, str]]] = {
    "another secret": lambda: svix.headers(BODY, "msg_x", secret=NEXT_SECRET),
    "another body": lambda: svix.headers(BODY + b" ", "msg_x"),
    "another id": lambda: changed(id="msg_y"),
    "another time": lambda: changed(timestamp=str(int(time.time()) + 9)),
    "too old": lambda: seconds_off(-301),
    "too early": lambda: seconds_off(3600),
    "an odd id": lambda: svix.headers(BODY, "msg.x"),
    "an odd time": lambda: changed(timestamp="1e9"),
    "another version": lambda: changed(signature=changed()["svix-signature"].replace("v1", "v2")),
    "no signature": lambda: changed(signature=""),
    "garbage": lambda: changed(signature="v1 ,, v1,é"),
    "nothing": dict,
}


@pytest.mark.parametrize("how", FORGED)
async def test_forged(client: httpx.AsyncClient, table: Table, how: str) -> None:
    given = {name.encode(): value.encode() for name, value in FORGED[how]().items()}
    answer = await client.post(URL, content=BODY, headers=given)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_signature")
    assert answer.json()["detail"] == "The delivery is not signed as it has to be."
    assert table.users() == []


def test_secrets_can_be_rotated() -> None:
    both = Signatures([SecretStr(SECRET), SecretStr(NEXT_SECRET)])
    for secret in (SECRET, NEXT_SECRET):
        assert both.verify(BODY, svix.headers(BODY, "msg_1", secret=secret)).id == "msg_1"
    # While Svix rotates it signs with both, in one header.
    given = svix.headers(BODY, "msg_1")
    newer = svix.signature(BODY, "msg_1", given["svix-timestamp"], NEXT_SECRET)
    given["svix-signature"] = f"v2,AAAA {given['svix-signature']} {newer}"
    for secret in (SECRET, NEXT_SECRET):
        assert Signatures([SecretStr(secret)]).verify(BODY, given).id == "msg_1"
    with pytest.raises(InvalidSignatureError):
        both.verify(b"\xff", given)
