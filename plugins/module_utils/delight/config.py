"""The configuration of a release as the play's variables hold it, checked before any host is touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from delight import reference, release, settings_check, version
from delight.errors import ConfigError
from delight.inputs import SETTINGS
from delight.registry import Login
from delight.schema import Settings, validate_registries, validate_services, validate_settings
from delight.service import Service
from delight.units import kind

Value = Callable[[str], Any]
# The version of a release whose services all stay at one of their own.
UNNAMED = "release"
PROJECT = Path(__file__).resolve().parents[3]
OF_REGISTRY = ("registry", "registry_username", "registry_password", "registry_ca")


@dataclass(frozen=True)
class Config:
    """Valid services and settings, and the secrets they name."""

    services: dict[str, Service]
    settings: Settings
    secrets: dict[str, str]
    hmac_key: str


@dataclass(frozen=True)
class Options:
    """What the operator says of this one run."""

    skip_gate: bool
    allow_mixed: bool
    migrate_before: bool


def options(value: Value) -> Options:
    """The run's options, or a ConfigError that names every mistake; `-e name=true` makes text."""
    mistakes, flags = [], {}
    for name in ("skip_gate", "allow_mixed"):
        try:
            flags[name] = bool(boolean(value(name)))
        except TypeError:
            mistakes.append(f"{name}: is neither true nor false")
    migrate = value("migrate")
    if migrate not in ("manual", "before"):
        mistakes.append("migrate: is neither manual nor before")
    if mistakes:
        raise ConfigError(mistakes)
    return Options(**flags, migrate_before=migrate == "before")


def settings(value: Value) -> Settings:
    """The settings of a plan, or a ConfigError that names every mistake."""
    return validate_settings({name: value(name) for name in SETTINGS})


def load(value: Value) -> Config:
    """The play's configuration, or a ConfigError that names every mistake."""
    services = validate_services(value("services"))
    secrets = mapping(value, "secrets")
    needed = {
        one.name: f"services.{name}.secrets"
        for name, service in services.items()
        for one in service.secrets
    }
    edit = f"ansible-vault edit {value('env_name')}/group_vars/{value('env_name')}/vault.yml"
    missing = [
        f"{path}: {name} is not in the vault's `secrets`; add it with {edit}"
        for name, path in needed.items()
        if not secrets.get(name)
    ]
    missing += [
        f"secrets.{name}: must be a text (found {kind(secrets[name])}); correct it with {edit}"
        for name in needed
        if secrets.get(name) and not isinstance(secrets[name], str)
    ]
    key = value("release_hmac_key")
    if not isinstance(key, str) or len(key) < 16:
        missing.append("release_hmac_key: must be a text of at least 16 characters in the vault")
    if missing:
        raise ConfigError(missing)
    missing = [
        f"secrets.{name}: is a value that was given up as compromised; `secrets.yml -e do=rotate` makes another"
        for name, digests in given_up(value).items()
        if name in needed and release.secret_digest(str(key), name, secrets[name]) in digests
    ]
    if missing:
        raise ConfigError(missing)
    return Config(services, settings(value), {n: str(secrets[n]) for n in needed}, str(key))


def check(value: Value, with_settings: bool = True) -> None:
    """Refuse a configuration with mistakes, all in one go, before any host is asked anything.

    `with_settings`: what services are given too. A rollback takes none of it: its release has its own.
    """
    mistakes = []
    if with_settings and value("astray"):
        raise ConfigError(value("astray"))  # alone: what else is wrong might be told by its value
    for part in (load, options, logins, _takeover, _tags, *([_settings] if with_settings else [])):
        try:
            part(value)
        except ConfigError as error:
            mistakes += [one for one in error.mistakes if one not in mistakes]
    if mistakes:
        raise ConfigError(mistakes)


def _takeover(value: Value) -> None:
    if value("takeover"):
        raise ConfigError(["takeover: is for recover.yml alone; run it with takeover, then this"])


def _tags(value: Value) -> None:
    wanted_tags(load(value), value, version_asked(value) or "any")


def _settings(value: Value) -> None:
    """Settings and secrets that do not fit what their service says it takes."""
    services = validate_services(value("services"))
    known = {n: v for n, v in mapping(value, "secrets").items() if isinstance(v, str) and v}
    mistakes = settings_check.trailing_newlines(known)
    for name, service in services.items():
        if service.settings:
            file = source_folder(str(value("app_source"))) / service.settings
            secrets = {one.name: known[one.name] for one in service.secrets if one.name in known}
            mistakes += settings_check.mistakes(name, file, service.env, secrets)
    if mistakes:
        raise ConfigError(list(dict.fromkeys(mistakes)))


def mapping(value: Value, name: str) -> Mapping[str, Any]:
    """A variable that holds a mapping, empty where it holds nothing."""
    found = value(name) or {}
    if not isinstance(found, Mapping):
        raise ConfigError([f"{name}: must be a mapping (found {kind(found)})"])
    return found


def version_asked(value: Value) -> str:
    """The version that the operator names, "" for the one that is checked out."""
    found = value("version") or ""
    if mistake := tag_mistake(found):
        raise ConfigError([f"version: {mistake}"])
    return str(found)


def tag_mistake(said: Any) -> str:
    """What is wrong with a tag or a digest, as it was read; empty where nothing is, or nothing was said."""
    if said and not isinstance(said, str):
        return f'write the tag as text, in quotes, as "1.10" (found {kind(said)})'
    if said and not (reference.TAG.fullmatch(said) or reference.DIGEST.fullmatch(said)):
        return "is no tag (letters, digits, `.`, `_`, `-`) and no digest (sha256:…)"
    return ""


def wanted_tags(config: Config, value: Value, asked: str) -> tuple[str, dict[str, str]]:
    """(version, {service: tag or digest}); `asked` may be empty, `images` overrides single services."""
    images = mapping(value, "images")
    unknown = sorted(set(images) - set(config.services))
    known = ", ".join(sorted(config.services))
    mistakes = [f"images.{name}: no such service; known are {known}" for name in unknown]
    mistakes += [
        f"images.{name}: {said}" for name, one in images.items() if (said := tag_mistake(one))
    ]
    if mistakes:
        raise ConfigError(mistakes)
    pinned = {name: reference.parse(one.image).version for name, one in config.services.items()}
    tags = {name: str(images.get(name) or pinned[name]) for name in config.services}
    chosen = asked
    if not all(tags.values()):
        chosen = asked or version.source_version(source_folder(str(value("app_source"))))
    return chosen or UNNAMED, {name: tag or chosen for name, tag in tags.items()}


def source_folder(said: str) -> Path:
    """The folder of the application's source: `app_source`, or this project where it is empty."""
    return (PROJECT / Path(said).expanduser()) if said else PROJECT


def given_up(value: Value) -> dict[str, list[str]]:
    """{secret: digests of its values that are compromised}, or a ConfigError that names every mistake."""
    found = mapping(value, "compromised_secrets")
    mistakes = [
        f"compromised_secrets.{name}: must be a list of digests, as secrets.yml writes it"
        for name, digests in found.items()
        if not (
            isinstance(digests, list)
            and all(isinstance(one, str) and re.fullmatch("[0-9a-f]{64}", one) for one in digests)
        )
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return {str(name): [str(one) for one in digests] for name, digests in found.items()}


def logins(value: Value) -> dict[str, Login]:
    """{registry host: who asks it and what it is trusted by}; a registry that is not here is asked anonymously.

    `registry` has its login in variables of its own, the vault's among them; `registries` are all others.
    """
    given = {name: value(name) for name in OF_REGISTRY}
    mistakes = [
        f"{name}: must be a text (found {kind(one)})"
        for name, one in given.items()
        if not isinstance(one, str)
    ]
    try:
        found = validate_registries(mapping(value, "registries"))
    except ConfigError as error:
        mistakes += error.mistakes
    if mistakes:
        raise ConfigError(mistakes)
    registry, username, password, ca = given.values()
    if not registry:
        return found
    own = reference.split(f"{registry}/-")[0]
    if own in found:
        raise ConfigError([f"registries.{own}: is `registry`; its login is registry_username"])
    return {own: Login(username, password if username else "", ca), **found}
