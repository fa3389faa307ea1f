"""What an environment's vault must hold, and its text with what is missing put in. Pure: no file, no password.

What nobody has to give us is made here: random words, and the certificate of a registry that we run.
"""

from __future__ import annotations

import io
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, TaggedScalar
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import LiteralScalarString

from delight import certificates, config
from delight.config import Value
from delight.errors import ConfigError

# Variables that `needs` reads; none of them is a secret.
NAMES = ("env_name", "services", "backing_services", "registry", "registry_username")
# What follows in capitals names the placeholder; anything else may be a part of a real value.
PLACEHOLDER = re.compile(r"CHANGE_ME(?:_[A-Z0-9_]+\b)?")
# Secrets of an application that are any word, as long as nobody knows it; all others come from somebody else.
ANY_WORD = {
    *("SECRET_KEY", "SECRET_KEY_BASE", "SESSION_SECRET", "COOKIE_SECRET", "JWT_SECRET"),
    *("APP_SECRET", "APP_KEY", "AUTH_SECRET", "NEXTAUTH_SECRET"),
}
WORD, CERTIFICATE = "word", "certificate"
CERTIFICATE_KEYS = ("registry_tls_certificate", "registry_tls_key", "registry_ca")


@dataclass(frozen=True)
class Need:
    """A key of a vault: `whose` says for people what reads it, `made` how we can make it, "" = not at all.

    One that is `optional` may be empty.
    """

    path: tuple[str, ...]
    whose: str
    made: str = ""
    optional: bool = False

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass
class Filled:
    """A vault's new text; the keys that were made, those that were added for somebody to fill in, and all such."""

    text: str
    made: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def needs(value: Value) -> list[Need]:
    """Every key that an environment's vault must have, by its services and by what we run for them."""
    users: dict[str, list[str]] = {}
    for service, given in sorted(config.mapping(value, "services").items()):
        for name in secret_names(given):
            users.setdefault(name, []).append(str(service))
    ours = config.mapping(value, "backing_services")
    found = [
        Need(("secrets", name), ", ".join(services), WORD if name in ANY_WORD else "")
        for name, services in users.items()
    ]
    found.append(Need(("release_hmac_key",), "the digests of secrets in releases", WORD))
    if login := value("registry_username"):
        made = WORD if "registry" in ours else ""
        found.append(Need(("registry_password",), f"{login} at {value('registry')}", made))
    if "postgres" in ours:
        found.append(Need(("postgres_password",), "our PostgreSQL", WORD))
    if "redis" in ours:
        found.append(Need(("redis_password",), "our Redis", WORD))
    if "registry" in ours:
        found += [
            Need(
                (key,), "our registry", CERTIFICATE, optional=key == "registry_ca"
            )  # "": a public one
            for key in CERTIFICATE_KEYS
        ]
    return found


def secret_names(service: Any) -> Iterator[str]:
    """The names in a service's `secrets`; what is wrong with it is told elsewhere."""
    listed = service.get("secrets") if isinstance(service, Mapping) else None
    for one in listed if isinstance(listed, list | tuple) else ():
        name = one.get("name") if isinstance(one, Mapping) else one
        if isinstance(name, str):
            yield str(name)


def word() -> str:
    """A random text of 256 bits that needs no quoting, in a URL neither."""
    return secrets.token_urlsafe(32)


def registry_certificate(registry: str, env: str, now: datetime) -> dict[str, str]:
    """{key: PEM} for the registry of an environment: its certificate, the key and who has signed it."""
    host = re.sub(r":\d+$", "", registry)
    ca = certificates.authority(f"Delight {env}", now)
    pair = certificates.server(ca, host, now)
    return dict(zip(CERTIFICATE_KEYS, (pair.certificate, pair.key, ca.certificate), strict=True))


def fill(
    text: str, wanted: list[Need], registry: str, env: str, make: Callable[[], str] = word
) -> Filled:
    """The text of a vault with each key that is wanted, made where that can be, as a placeholder otherwise.

    What is there stays as it is, comments included. `registry` and `env` are for its certificate, which waits
    until `registry` is known, and replaces no part of another one.
    """
    document = parse(text)
    certificate: dict[str, str] = {}
    asked = {need.path for need in wanted if is_open(get(document, need.path))}
    known = registry and not PLACEHOLDER.search(registry)
    if known and asked >= {("registry_tls_certificate",), ("registry_tls_key",)}:
        certificate = registry_certificate(registry, env, datetime.now(UTC))
    filled = Filled("")
    for need in wanted:
        there = get(document, need.path)
        if not is_open(there):
            continue
        new = make() if need.made == WORD else certificate.get(need.name, "")
        if new:
            put(document, need.path, new, f"For {need.whose}.")
            filled.made.append(need.name)
        elif there is None and not need.optional:
            put(document, need.path, "CHANGE_ME", f"For {need.whose}.")
            filled.added.append(need.name)
    filled.left = [".".join(path) for path, value in leaves(document) if is_open(value)]
    filled.text = dump(document) if filled.made or filled.added else text
    return filled


def parse(text: str) -> CommentedMap:
    """The variables in a vault's text; a ConfigError names the line and none of what it holds."""
    try:
        found = _yaml().load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark else "it"
        raise ConfigError(
            [f"{where} of the vault is no YAML, or a key stands there twice"]
        ) from None
    if found is None:
        return CommentedMap()
    if not isinstance(found, CommentedMap):
        raise ConfigError(["the vault is no mapping of variables"])
    return found


def dump(document: CommentedMap) -> str:
    """The text of a vault, with the comments that were read."""
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000  # a value stays on its line
    return yaml


def get(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value at a path, None where there is none."""
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found.value if isinstance(found, TaggedScalar) else found


def put(document: CommentedMap, path: tuple[str, ...], value: str, comment: str = "") -> None:
    """Set the value of a key; one that was not there comes last, at the top level with a comment."""
    *parents, key = path
    place = document
    for parent in parents:
        if not isinstance(place.get(parent), CommentedMap):
            place[parent] = CommentedMap()
        place = place[parent]
    new = key not in place
    place[key] = LiteralScalarString(value) if "\n" in value else value
    if new and comment and not parents:
        place.yaml_set_comment_before_after_key(key, before=f"\n{comment}")


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """(path, value) of everything that is no mapping."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, str(key)))
    else:
        yield path, value.value if isinstance(value, TaggedScalar) else value


def is_open(value: Any) -> bool:
    """Whether a value is still to be given."""
    return (
        value is None or value == "" or (isinstance(value, str) and bool(PLACEHOLDER.search(value)))
    )
