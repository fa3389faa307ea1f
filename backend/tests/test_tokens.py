"""Which session tokens are accepted, and that all others get the same answer."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
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


def in_seconds(seconds: int) -> int:
    """A Unix time from now."""
    return int(time.time()) + seconds


# What is wrong, a token made when it is used, and what the log says of it.
REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "expired": (lambda: token(exp=in_seconds(-LEEWAY - 1)), "ExpiredSignatureError"),
    "not yet valid": (lambda: token(nbf=in_seconds(3600)), "ImmatureSignatureError"),
    "issued in the future": (lambda: token(iat=in_seconds(3600)), "ImmatureSignatureError"),
    "another key": (lambda: token(key="second"), "InvalidSignatureError"),
    "unsigned": (lambda: f"{encoded({'alg': 'none'})}.{encoded(claims())}.", "wrong algorithm"),
    "unsigned, loudly": (
        lambda: f"{encoded({'alg': 'NONE'})}.{encoded(claims())}.",
        "wrong algorithm",
    ),
    "the public key as secret": (with_public_key_as_secret, "wrong algorithm"),
    "RS512": (lambda: jwt.encode(claims(), key_pair("first"), "RS512"), "wrong algorithm"),
    "tampered": (tampered, "InvalidSignatureError"),
    "another site": (lambda: token(azp="https://evil.example"), "wrong authorized party"),
    "an odd site": (lambda: token(azp=[ORIGIN]), "wrong authorized party"),
    "pending": (lambda: token(sts="pending"), "pending session"),
    "critical header": (lambda: with_header(crit=["odd"], odd=1), "InvalidTokenError"),
    "subject with a null": (lambda: token("user\0"), "odd subject"),
    "subject too long": (lambda: token("u" * 256), "odd subject"),
    "subject empty": (lambda: token(""), "odd subject"),
    "subject a number": (lambda: token(sub=7), "InvalidSubjectError"),
    "expiry a text": (lambda: token(exp="soon"), "DecodeError"),
    "no end": (lambda: token(exp=float("inf")), "DecodeError"),
    "too long": (lambda: token(extra="x" * 9000), "too long"),
    "not a token": (lambda: "hidden-word", "DecodeError"),
    "nested": (lambda: f"{encoded('[' * 5000)}.e30.e30", "DecodeError"),
    "header a list": (lambda: f"{encoded([])}.e30.e30", "DecodeError"),
    "claims a list": (lambda: jwt.api_jws.encode(b"[]", key_pair("first"), "RS256"), "DecodeError"),
    "no expiry": (lambda: token(exp=None), "MissingRequiredClaimError"),
    "no beginning": (lambda: token(nbf=None), "MissingRequiredClaimError"),
    "no issue": (lambda: token(iat=None), "MissingRequiredClaimError"),
    "no subject": (lambda: token(sub=None), "MissingRequiredClaimError"),
    "no site": (lambda: token(azp=None), "MissingRequiredClaimError"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refused(settings: Settings, caplog: pytest.LogCaptureFixture, case: str) -> None:
    caplog.set_level("DEBUG")
    make, reason = REFUSED[case]
    text = make()
    async with client_of(create_app(settings)) as client:
        authorization = {"Authorization": f"Bearer {text}", "X-Request-ID": "r"}
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
    assert line == f"token refused: {reason}"
    assert text not in caplog.text


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
