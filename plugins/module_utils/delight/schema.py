"""What a service may say of itself: the one schema of `group_vars/all/services.yml`.

Types, units, defaults and meanings stand here once; the reference page is generated from it.
Every mistake is reported with its path, all of them in one go, before any host is touched.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from delight.errors import ConfigError
from delight.host.addresses import MAX_REPLICAS
from delight.units import kind, seconds, size

NAME = r"^[a-z][a-z0-9-]{0,30}$"
ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"

Duration = Annotated[float, BeforeValidator(seconds), Field(json_schema_extra={"unit": "duration"})]
Size = Annotated[int, BeforeValidator(size), Field(json_schema_extra={"unit": "size"})]
EnvName = Annotated[str, Field(pattern=ENV_NAME)]
Path = Annotated[str, Field(pattern=r"^/[^\s?#]*$")]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("an environment value is a text, a number or a boolean")


EnvValue = Annotated[str, BeforeValidator(_plain), PlainSerializer(str)]


class Strict(BaseModel):
    """Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Route(Strict):
    """Which requests go to a service; the longest path of the most exact host wins."""

    host: str = Field(
        "*",
        pattern=r"^(\*|[a-z0-9.-]+|\[[0-9a-f:]+\])$",
        max_length=253,
        description="Host name in lower case, or `*` for any.",
    )
    path: Path = Field(
        "/", max_length=1024, description="Path prefix; it matches whole segments only."
    )

    def key(self) -> str:
        """The key of the edge's map: host and path with one slash at its end."""
        return f"{self.host}{self.path.rstrip('/')}/"


class Health(Strict):
    """What the gate asks of every replica before it gets traffic."""

    path: Path = Field("/", description="Cheap health answer; the edge asks it all the time.")
    ready: Path | None = Field(None, description="What the gate asks; `path` where not given.")
    port: int | None = Field(
        None, ge=1, le=65535, description="Port asked; the service's where not given."
    )
    host: str = Field("localhost", description="Host header of the questions.")
    status: int = Field(200, ge=100, le=599, description="Status that counts as healthy.")
    successes: int = Field(3, ge=1, le=100, description="Good answers needed in a row.")
    interval: Duration = Field(
        "20ms", validate_default=True, description="Between two answers of a row."
    )
    timeout: Duration = Field(
        "60s", validate_default=True, description="For the whole gate, from the start."
    )
    release: str = Field(
        "json:release",
        pattern=r"^(none|json:[\w.]+|header:[\w-]+)$",
        description="Where an answer says its release: `json:<key>`, `header:<name>`; `none` turns this proof off.",
    )
    steady: Duration = Field(
        "3s",
        validate_default=True,
        description="How long a container must run that is not asked: no port and no HEALTHCHECK, or skip_gate.",
    )


class Migrate(Strict):
    """How this service's image migrates the database."""

    command: list[str] = Field(
        min_length=1, description="Runs all pending migrations, under the database's advisory lock."
    )
    check: list[str] = Field(
        min_length=1, description="Prints one pending migration a line; nothing when there is none."
    )
    timeout: Duration = Field(
        "1h", validate_default=True, description="For `command`; then its container is killed."
    )
    check_timeout: Duration = Field(
        "60s", validate_default=True, description="For `check`; then its container is killed."
    )


class Service(Strict):
    """One component of the application."""

    image: str = Field(min_length=1, description="Repository without a tag; releases pin digests.")
    port: int | None = Field(
        None, ge=1, le=65535, description="Port the container listens on; none for workers."
    )
    routes: list[Route] = Field(default=[], description="Requests that go to this service.")
    replicas: int = Field(1, ge=1, le=MAX_REPLICAS, description="Containers a host and slot.")
    command: list[str] | None = Field(None, description="Command in place of the image's own.")
    user: str = Field(
        "10001:10001",
        pattern=r"^[1-9]\d*:[1-9]\d*$",
        description="uid:gid in the container; never root.",
    )
    health: Health = Field(default=Health(), description="The gate.")
    timeout: Duration = Field(
        "60s", validate_default=True, description="The edge gives up on an answer after this."
    )
    tunnel: Duration = Field(
        "1h",
        validate_default=True,
        description="The edge ends an idle WebSocket or stream after this.",
    )
    drain: Duration = Field(
        "30s", validate_default=True, description="Bound for requests in flight after a switch."
    )
    stop_grace: Duration = Field(
        "40s", validate_default=True, description="From SIGTERM to SIGKILL; not below `drain`."
    )
    warm: Duration = Field(
        "10m",
        validate_default=True,
        description="How long an old slot keeps running for an instant rollback; `0s` stops it at once.",
    )
    memory: Size = Field("512m", validate_default=True, description="Limit of a replica.")
    db_connections: int = Field(0, ge=0, description="Database connections a replica may open.")
    env: dict[EnvName, EnvValue] = Field(default={}, description="Settings that are no secrets.")
    secrets: list[EnvName] = Field(
        default=[],
        description="Names in the vault's `secrets`; delivered as files in /run/secrets, named by NAME_FILE.",
    )
    writable: list[Path] = Field(
        default=["/tmp"],  # noqa: S108 the container's own, in memory
        description="Folders in memory; everything else is read-only.",
    )
    check: list[str] | None = Field(
        None,
        min_length=1,
        description="Run on every host before a deploy stages anything; a status but 0 refuses it.",
    )
    check_timeout: Duration = Field(
        "60s", validate_default=True, description="For `check`; then its container is killed."
    )
    migrate: Migrate | None = Field(
        None, description="Database migrations, as a step of their own."
    )
    overlap: bool = Field(
        True, description="Without a port: whether old and new may run side by side for a moment."
    )
    singleton: bool = Field(
        False, description="Run on one host of the fleet only (the first by name)."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Service:
        if self.routes and self.port is None:
            raise ValueError("routes need a port")
        if self.routes and self.singleton:
            raise ValueError(
                "a singleton has routes, but every host's edge sends users to its own containers only: "
                "drop singleton or routes"
            )
        if self.drain > self.stop_grace:
            raise ValueError("drain is longer than stop_grace: raise stop_grace or lower drain")
        both = sorted(set(self.env) & set(self.secrets))
        if both:
            raise ValueError(f"{', '.join(both)} stands in env and in secrets; keep one")
        tag = self.image.rpartition("/")[2]
        if ":" in tag or "@" in tag:
            raise ValueError("image carries a tag or digest; the release chooses it")
        return self


class Settings(Strict):
    """What a plan needs beside the services; each stands in the variable that is its alias."""

    app_subnet: str = Field(pattern=r"^\d+\.\d+\.0\.0/16$")
    keep: int = Field(5, ge=2, le=50, alias="release_keep")
    memory_margin: Size = Field("256m", validate_default=True, alias="release_memory_margin")
    disk_free: Size = Field("1g", validate_default=True, alias="release_disk_free")
    inodes_free: int = Field(20000, ge=0, alias="release_inodes_free")
    database_max_connections: int = Field(0, ge=0)
    retire_drain_s: Duration = Field("60s", validate_default=True, alias="retire_drain")
    engine: Literal["compose"] = Field("compose", alias="deploy_engine")


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
