"""Every mistake of a configuration by its path, all of them in one go, before any host is touched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from delight import reference
from delight.errors import ConfigError
from delight.registry import Login
from delight.service import NAME, Duration, Service, Size, Strict
from delight.units import kind

# A folder whose name, with a digit, is one of a network interface. No `-`: what is named by application and service
# would not say where one ends.
ROOT = r"/(.*/)?[a-z][a-z0-9]{0,13}"


class Settings(Strict):
    """What a plan needs beside the services; each stands in the variable that is its alias."""

    app_subnet: str = Field(pattern=r"^\d+\.\d+\.0\.0/16$")
    root: str = Field("/srv/delight", alias="release_root")
    keep: int = Field(5, ge=2, le=50, alias="release_keep")
    memory_margin: Size = Field("256m", validate_default=True, alias="release_memory_margin")
    disk_free: Size = Field("1g", validate_default=True, alias="release_disk_free")
    inodes_free: int = Field(20000, ge=0, alias="release_inodes_free")
    database_max_connections: int = Field(0, ge=0)
    https: bool = Field(False, alias="release_https")
    retire_drain_s: Duration = Field("60s", validate_default=True, alias="retire_drain")
    engine: Literal["compose"] = Field("compose", alias="deploy_engine")

    @field_validator("root")
    @classmethod
    def _names_the_application(cls, root: str) -> str:
        if not re.fullmatch(ROOT, root):
            raise ValueError(
                "its folder names the application's network, containers and units on a host: "
                "a-z and 0-9, a letter first, at most 14, as in /srv/shop"
            )
        return root

    @property
    def app(self) -> str:
        """The name of all that the application has on a host."""
        return self.root.rpartition("/")[2]


class Registry(Strict):
    """A registry beside the one that images are pushed to."""

    username: str = ""
    password: str = ""
    ca: str = ""

    @model_validator(mode="after")
    def _fits_together(self) -> Registry:
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together")
        return self


def validate_services(raw: Any) -> dict[str, Service]:
    """{name: Service}, or a ConfigError that names every mistake by its path."""
    if not isinstance(raw, dict) or not raw:
        raise ConfigError(["services: must be a mapping of service names with at least one entry"])
    found, mistakes = {}, []
    for name, spec in raw.items():
        path = f"services.{name}"
        if not isinstance(name, str) or not re.match(NAME, name):
            mistakes.append(f"{path}: a service name is a-z, 0-9 and -, at most 31, a letter first")
            continue
        try:
            found[name] = Service.model_validate(spec)
        except ValidationError as error:
            mistakes += explain(path, error)
    mistakes += _clashes(found)
    if mistakes:
        raise ConfigError(mistakes)
    return found


def validate_settings(raw: dict[str, Any]) -> Settings:
    """The deploy settings by the names of their variables, or a ConfigError."""
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(explain("", error)) from error


def validate_registries(raw: Mapping[str, Any]) -> dict[str, Login]:
    """{host as its API is called: login} of `registries`, or a ConfigError that names every mistake."""
    found, mistakes = {}, []
    for host, spec in raw.items():
        path = f"registries.{host}"
        if not isinstance(host, str) or not re.fullmatch(reference.HOST, host):
            mistakes.append(f"{path}: is not a host, or host:port, as in the names of its images")
            continue
        try:
            one = Registry.model_validate(spec)
        except ValidationError as error:
            mistakes += explain(path, error)
            continue
        found[reference.split(f"{host}/-/-")[0]] = Login(one.username, one.password, one.ca)
    if mistakes:
        raise ConfigError(mistakes)
    return found


def _clashes(services: dict[str, Service]) -> list[str]:
    """Two services may not claim the same requests."""
    owners: dict[str, tuple[str, int]] = {}
    mistakes = []
    for name, service in services.items():
        for number, route in enumerate(service.routes):
            owner, first = owners.setdefault(route.key(), (name, number))
            if owner != name:
                mistakes.append(
                    f"services.{name}.routes[{number}]: has the host and path of "
                    f"services.{owner}.routes[{first}] already"
                )
    return mistakes


def explain(path: str, error: ValidationError) -> list[str]:
    """One line a mistake: its path, what is expected and the type found.

    Never the value: it may be a secret that stands in the wrong place.
    """
    mistakes = []
    for one in error.errors():
        unknown = one["type"] == "extra_forbidden"
        loc = one["loc"][:-1] if unknown else one["loc"]
        said = f"unknown key {str(one['loc'][-1])!r}" if unknown else _said(one)
        mistakes.append(f"{path}{_dotted(loc)}: {said}".lstrip("."))
    return mistakes


def _dotted(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)


def _said(error: Any) -> str:
    if error["type"] == "missing":
        return "is missing"
    if error["type"] == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    return f"{error['msg']} (found {kind(error.get('input'))})"
