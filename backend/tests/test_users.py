"""The signed-in user: made at first sight, read, changed."""

import asyncio

import pytest

from app.core.settings import Settings
from app.main import create_app
from tests.backing import Postgres
from tests.conftest import client_of
from tests.tokens import signed_in

pytestmark = pytest.mark.anyio
ME = "/api/v1/users/me"


async def test_a_user_is_made_at_first_sight(
    with_tables: Settings, postgres: Postgres, tables: str
) -> None:
    async with client_of(create_app(with_tables)) as client:
        answers = await asyncio.gather(*(client.get(ME, headers=signed_in()) for _ in range(8)))
        other = await client.get(ME, headers=signed_in("user_2"))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert other.json()["id"] != answers[0].json()["id"]
    body = answers[0].json()
    assert body.keys() == {
        "id", "email", "display_name", "timezone", "locale", "onboarding", "created_at",
        "updated_at",
    }  # fmt: skip
    assert (body["timezone"], body["locale"], body["onboarding"]) == ("UTC", "en", "new")
    assert (body["email"], body["display_name"]) == (None, None)
    assert answers[0].headers["cache-control"] == "no-store"
    assert postgres.sql("SELECT count(*) FROM users", tables) == "2"


async def test_preferences_are_changed_one_by_one(with_tables: Settings) -> None:
    async with client_of(create_app(with_tables)) as client:
        before = (await client.get(ME, headers=signed_in())).json()
        for change in (
            {"timezone": "America/Argentina/Ushuaia"},
            {"locale": "zh-Hant-TW", "onboarding": "started"},
            {},
            {"onboarding": "completed"},
        ):
            answer = await client.patch(ME, json=change, headers=signed_in())
            assert answer.status_code == 200
            assert answer.json().items() >= change.items()
        after = (await client.get(ME, headers=signed_in())).json()
        other = (await client.get(ME, headers=signed_in("user_2"))).json()
    assert after == answer.json()
    assert after["updated_at"] > before["updated_at"]
    assert after | {"updated_at": ""} == before | {
        "timezone": "America/Argentina/Ushuaia",
        "locale": "zh-Hant-TW",
        "onboarding": "completed",
        "updated_at": "",
    }
    assert (other["timezone"], other["onboarding"]) == ("UTC", "new")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"timezone": "../../etc/passwd"}, "/timezone"),
        ({"timezone": None}, "/timezone"),
        ({"locale": "german"}, "/locale"),
        ({"locale": "de\n"}, "/locale"),
        ({"onboarding": "bored"}, "/onboarding"),
        ({"email": "me@example.com"}, "/email"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ([], ""),
    ],
)
async def test_what_cannot_be_preferred(
    with_tables: Settings, change: object, pointer: str
) -> None:
    async with client_of(create_app(with_tables)) as client:
        answer = await client.patch(ME, json=change, headers=signed_in())
        unchanged = (await client.get(ME, headers=signed_in())).json()
    assert answer.status_code == 422
    [entry] = answer.json()["errors"]
    assert (entry["location"], entry["pointer"]) == ("body", pointer)
    assert (unchanged["timezone"], unchanged["locale"]) == ("UTC", "en")


async def test_without_the_database(with_tables: Settings, postgres: Postgres) -> None:
    async with client_of(create_app(with_tables)) as client:
        with postgres.stopped():
            answer = await client.get(ME, headers=signed_in())
        again = await client.get(ME, headers=signed_in())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    assert again.status_code == 200


async def test_with_no_connection_left(
    with_tables: Settings, postgres: Postgres, tables: str
) -> None:
    small = with_tables.model_copy(update={"db_pool_size": 1, "health_timeout": 1})
    app = create_app(small)
    async with client_of(app) as client, app.state.engine.connect():
        answer = await client.get(ME, headers=signed_in())
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
