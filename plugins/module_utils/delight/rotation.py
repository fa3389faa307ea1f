"""Another value for a secret: the vault's text with it, and the keys that have changed by that. Pure.

Of a server that we run, the value before stays valid beside the new one until it is ended: what runs uses it until
it is replaced, and kept releases come back with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ruamel.yaml.comments import CommentedMap, TaggedScalar

from delight import typed, vault
from delight.errors import ConfigError

# The servers that know two values at once: {key: where the one before stands}.
TWO_VALID = {"postgres_password": "postgres_before", "redis_password": "redis_before"}
# A text that is shorter may stand in another value by chance.
TELLING = 12


@dataclass(frozen=True)
class Rotated:
    """A vault's new text, and the keys whose value it changes."""

    text: str
    keys: list[str]


def find(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The path of a key by its name, `secrets.` or not; a ConfigError says what there is."""
    parts = tuple(name.split("."))
    for path in (parts, ("secrets", *parts)):
        found = vault.get(document, path)
        if found is not None and not isinstance(found, Mapping | list):
            return path
    known = ", ".join(".".join(path) for path, _ in vault.leaves(document))
    raise ConfigError([f"secret: the vault has no {name or 'name here'}; it has {known}"])


def plain(document: CommentedMap, path: tuple[str, ...]) -> str:
    """The value at a path; a ConfigError where it is made of others."""
    value = str(vault.get(document, path))
    tagged = isinstance(holder(document, path).get(path[-1]), TaggedScalar)
    if "{{" in value and not tagged:
        name = ".".join(path)
        raise ConfigError(
            [f"secret: {name} is a template: give another value to what it is made of"]
        )
    return value


def rotate(text: str, path: tuple[str, ...], new: Mapping[str, str], user: str) -> Rotated:
    """The vault with `new`, {key: value} of `path` and what goes with it; `user` is PostgreSQL's login now."""
    document = vault.parse(text)
    key = path[-1]
    old = plain(document, path)
    if new[key] == old:
        raise ConfigError([f"{'.'.join(path)}: the value is the one that is there"])
    put = {(*path[:-1], name): value for name, value in new.items()}
    literal = [(old, new[key])]
    if path in {(name,) for name in TWO_VALID}:
        keep_before(document, key, old, user)
        if key == "postgres_password":
            other = other_login(user)
            put[("postgres_user",)] = other
            literal = [(f"{user}:{old}@", f"{other}:{new[key]}@"), *literal]
    keys = [".".join(one) for one in put]
    for one, value in put.items():
        vault.put(document, one, value)
        if any(mark in value for mark in typed.TEMPLATE_MARKS):
            holder(document, one)[one[-1]] = TaggedScalar(value, style="'", tag="!unsafe")
    kept = (TWO_VALID.get(key), *put)
    for one, value in list(vault.leaves(document)):
        if one in put or one[0] in kept or not isinstance(value, str) or len(old) < TELLING:
            continue
        replaced = with_it(value, literal)
        if replaced != value:
            vault.put(document, one, replaced)
            keys.append(".".join(one))
    return Rotated(vault.dump(document), keys)


def with_it(value: str, literal: list[tuple[str, str]]) -> str:
    """A value in which an old one stands, as it is or as in a URL, with the new one."""
    for old, new in literal:
        if old in value:
            return value.replace(old, new)
        if quote(old, safe="@:") in value:
            return value.replace(quote(old, safe="@:"), quote(new, safe="@:"))
    return value


def keep_before(document: CommentedMap, key: str, old: str, user: str) -> None:
    """Note what was valid until now, and stays so; a third value at once would shut out what has the first."""
    before = TWO_VALID[key]
    if document.get(before):
        raise ConfigError(
            [
                f"secret: the value of {key} before this one is valid still; once no slot has it any more, end it: "
                f"-e do=end -e secret={key}"
            ]
        )
    document[before] = {"user": user, "password": old} if key == "postgres_password" else old


def other_login(user: str) -> str:
    """The login that is not in use: two take turns."""
    return user.removesuffix("_2") if user.endswith("_2") else f"{user}_2"


def end(text: str, path: tuple[str, ...]) -> Rotated:
    """The vault without the value before; the server forgets it when it is provisioned."""
    document = vault.parse(text)
    before = TWO_VALID.get(path[-1], "")
    if before not in document:
        raise ConfigError(
            [f"secret: of {'.'.join(path)} there is no value before that is valid still"]
        )
    del document[before]
    return Rotated(vault.dump(document), [before])


def give_up(text: str, digests: Mapping[str, str]) -> str:
    """The vault in which values of secrets, {NAME: digest}, are said to be compromised."""
    document = vault.parse(text)
    found = document.setdefault("compromised_secrets", CommentedMap())
    for name, digest in digests.items():
        found[name] = [*(one for one in found.get(name, []) if one != digest), digest]
    return vault.dump(document)


def next_steps(path: tuple[str, ...], deploy: bool, compromised: bool, env: str) -> list[str]:
    """The commands after a key was given another value, in their order; `deploy`: services have it."""
    key = path[-1]
    provision = f"ansible-playbook provision.yml -i {env} --tags backing"
    ours = {*TWO_VALID, "registry_password", "release_hmac_key", *vault.CERTIFICATE_KEYS}
    steps = [provision] if key in ours else []
    if key == "edge_certificate_pem":
        steps.append(f"ansible-playbook edge.yml -i {env}")
    if deploy or key == "release_hmac_key":
        steps.append(f"ansible-playbook deploy.yml -i {env}")
    if compromised and key in TWO_VALID:
        ends = f"ansible-playbook secrets.yml -i {env} -e do=end -e secret={key}"
        steps += [ends, provision]
    return steps


def holder(document: CommentedMap, path: tuple[str, ...]) -> CommentedMap:
    """The mapping that a key stands in."""
    for part in path[:-1]:
        document = document[part]
    return document
