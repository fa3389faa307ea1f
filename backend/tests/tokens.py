"""Clerk as far as the service sees it: a key pair and the tokens that it signs."""

import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORIGIN = "http://localhost:3000"


@cache
def key_pair(name: str) -> RSAPrivateKey:
    """A key pair by name, made once a run."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(name: str = "first") -> str:
    """The public half as CLERK_JWT_KEY holds it."""
    public = key_pair(name).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def claims(subject: str = "user_1", **changes: Any) -> dict[str, Any]:
    """What Clerk puts into a session token; a change to None leaves a claim out."""
    now = int(time.time())
    usual = {
        "azp": ORIGIN,
        "exp": now + 60,
        "iat": now,
        "iss": "https://clerk.example.com",
        "nbf": now - 10,
        "sid": "sess_1",
        "sub": subject,
        "v": 2,
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def token(subject: str = "user_1", key: str = "first", **changes: Any) -> str:
    """A session token signed by the key of that name, which is its key id too."""
    return jwt.encode(claims(subject, **changes), key_pair(key), "RS256", headers={"kid": key})


def signed_in(subject: str = "user_1") -> dict[str, str]:
    """The headers of a request of a signed-in user."""
    return {"Authorization": f"Bearer {token(subject)}"}
