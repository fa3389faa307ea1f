"""Which session tokens are accepted, and that all others get the same answer."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest

from app.auth.tokens import LEEWAY, Rules, TokenError, key_id, verify
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import client_of
from tests.tokens import ORIGIN, claims, key_pair, public_pem, token

pytestmark = pytest.mark.anyio
ME = "/api/v1/users/me"
RULES = Rules({ORIGIN}, None)


def encoded(part: object) -> str:
    """One part of a token, however odd."""
    text = part if isinstance(part, str) else json.dumps(part)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def with_public_key_as_secret() -> str:
    """HS256 with the text that everyone may know; made by hand as the library refuses to."""
    signed = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': 'first'})}.{encoded(claims())}"
    mac = hmac.new(public_pem().encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def with_header(**header: Any) -> str:
    """A valid token of the first key, with a header of one's own choice beside it."""
    return jwt.encode(claims(), key_pair("first"), "RS256", headers={"kid": "first", **header})


def tampered() -> str:
    """Another's claims under a valid signature."""
    header, _, signature = token().split(".")
    return f"{header}.{encoded(claims('user_admin'))}.{signature}"


NOW = int(time.time())
REFUSED = {
    "expired": token(exp=NOW - LEEWAY - 1),
    "not yet valid": token(nbf=NOW + 3600),
    "issued in the future": token(iat=NOW + 3600),
    "signed by another key": token(key="second"),
    "unsigned": f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(claims())}.",
    "unsigned, in capitals": f"{encoded({'alg': 'NONE', 'kid': 'first'})}.{encoded(claims())}.",
    "signed with the public key": with_public_key_as_secret(),
    "another algorithm of the same key": jwt.encode(claims(), key_pair("first"), "RS512"),
    "tampered": tampered(),
    "of another site": token(azp="https://evil.example"),
    "of an odd site": token(azp=["http://localhost:3000"]),
    "pending": token(sts="pending"),
    "critical header": with_header(crit=["odd"], odd=1),
    "subject with a null": token("user\0"),
    "subject too long": token("u" * 256),
    "subject empty": token(""),
    "subject a number": token(sub=7),
    "expiry a text": token(exp="soon"),
    "expiry without end": token(exp=float("inf")),
    "too long": token(extra="x" * 9000),
    "not a token": "hidden-word",
    "nested": f"{encoded('[' * 5000)}.e30.e30",
    "header a list": f"{encoded([])}.e30.e30",
    "claims a list": jwt.api_jws.encode(b"[]", key_pair("first"), "RS256"),
    "without expiry": token(exp=None),
    "without beginning": token(nbf=None),
    "without issue": token(iat=None),
    "without subject": token(sub=None),
    "without site": token(azp=None),
}


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    """The answers of all refusals, to compare them."""
    return []


@pytest.mark.parametrize("reason", REFUSED)
async def test_refused(settings: Settings, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    caplog.set_level("DEBUG")
    generous = settings.model_copy(update={"sign_in_failures": 1_000_000})
    async with client_of(create_app(generous)) as client:
        authorization = {"Authorization": f"Bearer {REFUSED[reason]}", "X-Request-ID": "r"}
        answer = await client.get(ME, headers=authorization)
        nobody = await client.get(ME, headers={"X-Request-ID": "r"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "code": "unauthorized",
        "detail": "Sign in and send the session token as bearer token.",
        "request_id": "r",
    }
    # Who has no token at all learns as much.
    assert (nobody.status_code, nobody.headers) == (401, answer.headers)
    assert nobody.json() == answer.json()
    [line] = [record.getMessage() for record in caplog.records if record.name == "app.auth"]
    assert line.startswith("token refused: ")
    assert REFUSED[reason] not in caplog.text


@pytest.mark.parametrize(
    "header", ["Basic dTpw", "Bearer", "Bearer ", "Token x", f"bearer{token()}", ""]
)
async def test_not_a_bearer_token(settings: Settings, header: str) -> None:
    async with client_of(create_app(settings)) as client:
        answer = await client.get(ME, headers={"Authorization": header})
    assert answer.status_code == 401


def test_clocks_may_differ_a_little() -> None:
    now = int(time.time())
    late = token(exp=now - LEEWAY + 2)
    early = token(nbf=now + LEEWAY - 2, iat=now + LEEWAY - 2)
    for text in (late, early):
        assert verify(text, key_pair("first").public_key(), RULES) == "user_1"


def test_an_issuer_is_asked_for_when_it_is_known() -> None:
    rules = Rules({ORIGIN}, "https://clerk.example.com")
    key = key_pair("first").public_key()
    assert verify(token(), key, rules) == "user_1"
    for wrong in ("https://clerk.example.com.evil.example", None):
        with pytest.raises(TokenError):
            verify(token(iss=wrong), key, rules)


def test_the_header_is_judged_before_a_key_is_looked_for() -> None:
    assert key_id(token()) == "first"
    with pytest.raises(TokenError, match="wrong algorithm"):
        key_id(with_public_key_as_secret())
