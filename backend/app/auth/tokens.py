"""What makes a session token valid. Pure: the key is given.

PyJWT and cryptography cost a tenth of a second to import, so the start leaves them to `warm_up`.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHM = "RS256"  # the only one: the token has no say in it
LEEWAY = 5  # seconds that two clocks may differ
MAX_LENGTH = 8192  # characters; Clerk's are below 2000
REQUIRED = ["exp", "nbf", "iat", "sub", "azp"]
_SUBJECT = re.compile(r"[!-~]{1,255}")


class TokenError(Exception):
    """The token is refused; the reason is for the log and holds nothing of the token."""


class Rules(NamedTuple):
    """Whose tokens are accepted: origins that may have asked for them, and the issuer if known."""

    parties: Collection[str]
    issuer: str | None


def key_id(token: str) -> str | None:
    """The name of the key that the token claims to be signed with; not verified yet."""
    import jwt

    if len(token) > MAX_LENGTH:
        raise TokenError("too long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenError(type(error).__name__) from None
    if header.get("alg") != ALGORITHM:
        raise TokenError("wrong algorithm")
    return header.get("kid")


def verify(token: str, key: "RSAPublicKey", rules: Rules) -> str:
    """The subject (Clerk's user id) of a valid token, else TokenError."""
    import jwt

    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            leeway=LEEWAY,
            issuer=rules.issuer,
            options={"require": REQUIRED, "verify_aud": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise TokenError(type(error).__name__) from None
    if not isinstance(claims["azp"], str) or claims["azp"] not in rules.parties:
        raise TokenError("wrong authorized party")
    # The sign-in isn't complete yet, for example the second factor is missing.
    if claims.get("sts") == "pending":
        raise TokenError("pending session")
    subject = claims["sub"]
    if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
        raise TokenError("odd subject")
    return subject


def warm_up() -> None:
    """Import what the first token needs."""
    import jwt.algorithms  # noqa: F401
