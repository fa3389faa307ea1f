"""Where keys come from: kept, looked for again, one fetch at a time, outages survived."""

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm

from app.auth import keys
from app.auth.keys import KeysUnavailableError, PublishedKeys, UnknownKeyError
from app.core.settings import Settings
from app.main import create_app
from tests.conftest import client_of
from tests.jwks import KeyServer, key_server, published
from tests.tokens import key_pair, token

pytestmark = pytest.mark.anyio
ME = "/api/v1/users/me"


class Clock:
    """A clock that the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """A JWKS with the key `first`."""
    with key_server() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def source(server: KeyServer, clock: Clock) -> PublishedKeys:
    """The keys of that server."""
    return PublishedKeys(server.url, clock)


async def finds(source: PublishedKeys, name: str) -> bool:
    """Is that the key of that name?"""
    found = await source.find(name)
    return found.public_numbers() == key_pair(name).public_key().public_numbers()


async def test_keys_are_fetched_once(source: PublishedKeys, server: KeyServer) -> None:
    assert await finds(source, "first")
    assert await finds(source, "first")
    assert server.requests == 1


async def test_one_fetch_at_a_time(source: PublishedKeys, server: KeyServer) -> None:
    server.go.clear()
    waiting = [asyncio.create_task(finds(source, "first")) for _ in range(20)]
    while not server.requests:
        await asyncio.sleep(0.001)
    server.go.set()
    assert all(await asyncio.gather(*waiting))
    assert server.requests == 1


async def test_known_keys_do_not_wait_for_new_ones(
    source: PublishedKeys, server: KeyServer, clock: Clock
) -> None:
    await finds(source, "first")
    clock.now += keys.MAX_AGE
    server.go.clear()
    looking = asyncio.create_task(finds(source, "first"))
    while server.requests < 2:
        await asyncio.sleep(0.001)
    assert await finds(source, "first")
    assert not looking.done()
    server.go.set()
    assert await looking


async def test_a_rotated_key_is_found(
    source: PublishedKeys, server: KeyServer, clock: Clock
) -> None:
    await finds(source, "first")
    server.publish("first", "second")
    clock.now += keys.MIN_INTERVAL
    assert await finds(source, "second")
    assert await finds(source, "first")
    assert server.requests == 2


async def test_unknown_keys_do_not_ask_clerk_each_time(
    source: PublishedKeys, server: KeyServer, clock: Clock
) -> None:
    await finds(source, "first")
    clock.now += keys.MIN_INTERVAL
    for name in ("a", "b", "c", None):
        with pytest.raises(UnknownKeyError):
            await source.find(name)
    assert server.requests == 2


async def test_a_withdrawn_key_goes(source: PublishedKeys, server: KeyServer, clock: Clock) -> None:
    await finds(source, "first")
    server.publish("second")
    clock.now += keys.MAX_AGE - 1
    assert await finds(source, "first")
    clock.now += 1
    with pytest.raises(UnknownKeyError):
        await source.find("first")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, json.dumps(published("second"))),
        (200, "not json"),
        (200, "[" * 100_000),
        (200, "[]"),
        (200, '{"keys": 7}'),
        (200, '{"keys": [7, {"kty": "EC", "kid": "second"}]}'),
        (200, '{"keys": [{"kty": "RSA", "kid": "second", "n": "AQ", "e": "zzz"}]}'),
    ],
)
async def test_old_keys_serve_while_clerk_is_broken(
    source: PublishedKeys, server: KeyServer, clock: Clock, status: int, body: str
) -> None:
    await finds(source, "first")
    server.status, server.body = status, body
    clock.now += keys.MAX_AGE
    assert await finds(source, "first")
    with pytest.raises(KeysUnavailableError):
        await source.find("second")
    # Not again at once; but soon, and then all is well.
    assert server.requests == 2
    server.status = 200
    server.publish("second")
    clock.now += keys.MIN_INTERVAL
    assert await finds(source, "second")


async def test_a_clerk_that_does_not_answer(
    source: PublishedKeys, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "TIMEOUT", 0.1)
    server.go.clear()
    with pytest.raises(KeysUnavailableError):
        await source.find("first")


async def test_weak_and_private_keys_are_not_used() -> None:
    weak = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    entries = [
        {**RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True), "kid": "weak"},
        {**RSAAlgorithm.to_jwk(key_pair("first"), as_dict=True), "kid": "private"},
        {**RSAAlgorithm.to_jwk(key_pair("first").public_key(), as_dict=True)},
        *published("first")["keys"],
    ]
    assert keys.read_keys({"keys": entries}).keys() == {"first"}


def by_network(settings: Settings, **values: str) -> Settings:
    """The settings without a key of our own."""
    return settings.model_copy(update={"clerk_jwt_key": None, **values})


async def test_sign_in_with_published_keys(with_tables: Settings, server: KeyServer) -> None:
    issuer = server.url.removesuffix("/.well-known/jwks.json")
    async with client_of(create_app(by_network(with_tables, clerk_issuer=issuer))) as client:

        async def ask(key: str, iss: str) -> httpx.Response:
            text = token(key=key, iss=iss)
            return await client.get(ME, headers={"Authorization": f"Bearer {text}"})

        assert (await ask("first", issuer)).status_code == 200
        assert (await ask("first", "https://other.example")).status_code == 401
        assert (await ask("second", issuer)).status_code == 401
    assert server.requests == 1


@pytest.mark.parametrize("broken", ["nothing set", "unreachable"])
async def test_nobody_is_signed_out_by_an_outage(with_tables: Settings, broken: str) -> None:
    values = {"clerk_jwks_url": "http://127.0.0.1:1/"} if broken == "unreachable" else {}
    async with client_of(create_app(by_network(with_tables, **values))) as client:
        answer = await client.get(ME, headers={"Authorization": f"Bearer {token()}"})
    assert (answer.status_code, answer.json()["code"]) == (503, "sign_in_unavailable")
    assert int(answer.headers["retry-after"]) > 0
