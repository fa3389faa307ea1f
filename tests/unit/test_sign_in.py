"""The sign-in of a test user, against a stand-in for Clerk."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from delight import smoke
from delight.clerk import ClerkError, User, signed_in
from delight.errors import ConfigError

from tests.support.clerk import Clerk, clerk
from tests.support.ports import free_ports

ORIGIN = "https://delight.example.com"
WORD = "sk_test_planted"


@pytest.fixture(params=[WORD, "sk_live_planted"])
def somewhere(request: pytest.FixtureRequest) -> Iterator[Clerk]:
    """A development instance, and a production one."""
    with clerk(request.param) as stand_in:
        yield stand_in


def user(there: Clerk, **changes: str) -> User:
    known = {
        "id": "user_test",
        "secret_key": there.secret_key,
        "issuer": there.url,
        "api": there.url,
    }
    return User.model_validate(known | changes)


def test_a_token_for_the_pages_and_nothing_is_left(somewhere: Clerk) -> None:
    with signed_in(user(somewhere), ORIGIN, timeout_s=10) as token:
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        assert (claims["azp"], claims["sub"], claims["iss"]) == (ORIGIN, "user_test", somewhere.url)
        assert somewhere.sessions
    assert not somewhere.sessions and not somewhere.tickets


def test_what_the_pages_say_does_not_keep_the_session(somewhere: Clerk) -> None:
    with pytest.raises(ZeroDivisionError), signed_in(user(somewhere), ORIGIN, timeout_s=10):
        raise ZeroDivisionError
    assert not somewhere.sessions


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secret_key": "sk_live_another"}, "/v1/sign_in_tokens answers 401 clerk_key_invalid"),
        ({"id": "user_nobody"}, "/v1/sign_in_tokens answers 404 resource_not_found"),
    ],
)
def test_a_refusal_is_told_without_the_key(
    somewhere: Clerk, changes: dict[str, str], said: str
) -> None:
    with pytest.raises(ClerkError) as error, signed_in(user(somewhere, **changes), ORIGIN, 10):
        raise AssertionError("nobody is signed in")
    assert str(error.value) == f"{somewhere.url}{said}"


def test_a_second_factor_is_told(somewhere: Clerk) -> None:
    somewhere.status = "needs_second_factor"
    said = "needs_second_factor: a ticket is not enough"
    with pytest.raises(ClerkError, match=said), signed_in(user(somewhere), ORIGIN, 10):
        raise AssertionError("nobody is signed in")


def test_nobody_answers(somewhere: Clerk) -> None:
    [port] = free_ports(1)
    gone = user(somewhere, api=f"http://127.0.0.1:{port}")
    said = r"/v1/sign_in_tokens does not answer \(ConnectionError\)"
    with pytest.raises(ClerkError, match=said), signed_in(gone, ORIGIN, 10):
        raise AssertionError("nobody is signed in")


def test_mistakes_are_named_without_their_values() -> None:
    assert smoke.user_of({"id": ""}) is None and smoke.user_of({}) is None
    with pytest.raises(ConfigError) as error:
        smoke.user_of({"id": "user_test", "secret_key": "planted-word", "issuer": ""})
    said = str(error.value)
    assert "smoke_user.secret_key: " in said and "smoke_user.issuer: " in said
    assert "planted-word" not in said
    assert WORD not in repr(
        User(id="user_test", secret_key=WORD, issuer="https://clerk.example.com")
    )
