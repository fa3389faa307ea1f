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
