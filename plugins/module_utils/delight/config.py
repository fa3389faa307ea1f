"""The configuration of a release as the play's variables hold it, checked before any host is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from delight import version
from delight.errors import ConfigError
from delight.inputs import SETTINGS
from delight.schema import Settings, validate_services, validate_settings
from delight.service import Service
from delight.units import kind

Value = Callable[[str], Any]
PROJECT = Path(__file__).resolve().parents[3]


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
    needed = {name: f"services.{s}.secrets" for s, svc in services.items() for name in svc.secrets}
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
    return Config(services, settings(value), {n: str(secrets[n]) for n in needed}, str(key))


def check(value: Value) -> None:
    """Refuse a configuration with mistakes before any host is asked anything."""
    loaded = load(value)
    options(value)
    if value("takeover"):
        raise ConfigError(["takeover: is for recover.yml alone; run it with takeover, then this"])
    wanted_tags(loaded, value, str(value("version")) or "any")


def mapping(value: Value, name: str) -> Mapping[str, Any]:
    """A variable that holds a mapping, empty where it holds nothing."""
    found = value(name) or {}
    if not isinstance(found, Mapping):
        raise ConfigError([f"{name}: must be a mapping (found {kind(found)})"])
    return found


def wanted_tags(config: Config, value: Value, asked: str) -> tuple[str, dict[str, str]]:
    """(version, {service: tag or digest}); `asked` may be empty, `images` overrides single services."""
    images = mapping(value, "images")
    unknown = sorted(set(images) - set(config.services))
    if unknown:
        known = ", ".join(sorted(config.services))
        raise ConfigError(
            [f"images.{name}: no such service; known are {known}" for name in unknown]
        )
    chosen = asked or version.source_version(PROJECT)
    return chosen, {name: str(images.get(name, chosen)) for name in config.services}
