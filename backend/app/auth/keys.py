"""Where the keys that verify tokens come from: the settings, or Clerk's JWKS."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

logger = logging.getLogger("app.auth")

TIMEOUT = 3.0  # seconds for one fetch, all of it
MAX_AGE = 3600.0  # seconds after which keys are fetched again, so that withdrawn ones go
MIN_INTERVAL = 10.0  # seconds between two fetches, whatever unknown key is asked for
MIN_BITS = 2048


class UnknownKeyError(Exception):
    """Clerk publishes no such key."""


class KeysUnavailableError(Exception):
    """It can't be known whether there is such a key."""


class Keys(Protocol):
    """A source of keys."""

    async def find(self, key_id: str | None) -> "RSAPublicKey":
        """The key of that name; UnknownKeyError or KeysUnavailableError."""


class FixedKey:
    """The key from CLERK_JWT_KEY, whatever name a token gives it: no network is needed."""

    def __init__(self, pem: str) -> None:
        self._pem = pem
        self._key: RSAPublicKey | None = None

    async def find(self, key_id: str | None) -> "RSAPublicKey":
        """The key."""
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if self._key is None:
            # RSA it is: the settings have seen to that.
            self._key = cast("RSAPublicKey", load_pem_public_key(self._pem.encode()))
        return self._key


class NoKey:
    """Nothing is set: no token can be verified."""

    async def find(self, key_id: str | None) -> "RSAPublicKey":
        """None to be found."""
        raise KeysUnavailableError


class PublishedKeys:
    """Clerk's JWKS, kept. A key it does not know makes it look again, one fetch at a time.

    While Clerk can't be reached the keys it has stay good: an outage there is none here.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._failed = False
        self._lock = asyncio.Lock()

    async def find(self, key_id: str | None) -> "RSAPublicKey":
        """The key of that name, fetched if it is new."""
        # A known key is used as it is while somebody else looks for new ones.
        if key_id not in self._keys or (self._are_old() and not self._lock.locked()):
            async with self._lock:
                # Whoever has waited uses what the first has fetched.
                if (key_id not in self._keys or self._are_old()) and self._may_fetch():
                    await self._fetch()
        if key_id in self._keys:
            return self._keys[key_id]
        raise KeysUnavailableError if self._failed else UnknownKeyError

    def _are_old(self) -> bool:
        return self._clock() - self._fetched_at >= MAX_AGE

    def _may_fetch(self) -> bool:
        return self._clock() - self._tried_at >= MIN_INTERVAL

    async def _fetch(self) -> None:
        import httpx
        import jwt

        # Set before the first await: a fetch that is cancelled has failed too.
        self._tried_at, self._failed = self._clock(), True
        try:
            async with asyncio.timeout(TIMEOUT), httpx.AsyncClient() as client:
                answer = await client.get(self._url)
            keys = read_keys(answer.raise_for_status().json())
        except (httpx.HTTPError, jwt.PyJWTError, OSError, ValueError, RecursionError) as error:
            logger.warning("can't fetch the keys of Clerk: %s", type(error).__name__)
            return
        self._keys, self._fetched_at, self._failed = keys, self._tried_at, False


def read_keys(document: Any) -> dict[str, "RSAPublicKey"]:
    """The usable keys of a JWKS by name; ValueError when there is none."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from jwt import PyJWK

    entries = document.get("keys") if isinstance(document, dict) else None
    keys = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("kty") == "RSA" and "d" not in entry:
            key = PyJWK(entry, "RS256").key
            if isinstance(key, RSAPublicKey) and key.key_size >= MIN_BITS and entry.get("kid"):
                keys[str(entry["kid"])] = key
    if not keys:
        raise ValueError("no usable key")
    return keys
