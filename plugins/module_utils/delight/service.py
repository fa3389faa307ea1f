"""What a service may say of itself: types, units, defaults and meanings stand here once.

The reference page is generated from it, and `schema` reports what is wrong.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from delight import reference
from delight.host.addresses import MAX_REPLICAS
from delight.units import seconds, size

NAME = r"^[a-z][a-z0-9-]{0,30}$"
ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
# How a secret arrives in a container.
Delivery = Literal["file", "env"]
# What Docker gives to a container by default; nobody needs more to serve requests.
# fmt: off
Capability = Literal[
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
]
# fmt: on

Duration = Annotated[float, BeforeValidator(seconds), Field(json_schema_extra={"unit": "duration"})]
Size = Annotated[int, BeforeValidator(size), Field(json_schema_extra={"unit": "size"})]
EnvName = Annotated[str, Field(pattern=ENV_NAME)]
Path = Annotated[str, Field(pattern=r"^/[^\s?#]*$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
# Without what the edge's configuration reads otherwise: quotes, backslash, `%` and `$`.
HeaderValue = Annotated[str, Field(pattern=r"^[ !#&(-\[\]-~]{0,256}$")]


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
        pattern=r"^(\*|(\*\.)?[a-z0-9.-]+|\[[0-9a-f:]+\])$",
        max_length=253,
        description="Host name in lower case; `*.example.com` for all below it, `*` for any.",
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
    command: list[str] | None = Field(
        None,
        description="Without a port: asked in place of the image's HEALTHCHECK; `[]` for a steady run only.",
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port asked, by the edge too; the service's where not given.",
    )
    host: str = Field("localhost", description="Host header of the questions.")
    headers: dict[HeaderName, HeaderValue] = Field(
        default={},
        description="Headers of the questions, beside Host and X-Forwarded-Proto, which says what users come by "
        "(`release_https`).",
    )
    status: int = Field(200, ge=100, le=599, description="Status that counts as healthy.")
    successes: int = Field(3, ge=1, le=100, description="Good answers needed in a row.")
    interval: Duration = Field(
        "20ms", validate_default=True, description="Between two answers of a row."
    )
    timeout: Duration = Field(
        "60s", validate_default=True, description="For the whole gate, from the start."
    )
    answer: Duration = Field(
        "2s",
        validate_default=True,
        description="For one answer, whoever asks: the gate, or the edge all the time.",
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

    @model_validator(mode="after")
    def _has_one_host(self) -> Health:
        of_ours = {"host", "connection", "user-agent", "content-length", "transfer-encoding"}
        if taken := sorted(of_ours & {name.lower() for name in self.headers}):
            raise ValueError(f"headers has {', '.join(taken)}: leave it out; Host is `health.host`")
        return self


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


class Named(Strict):
    """What may be written by its name alone."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        first = next(iter(cls.model_fields))
        return {first: value} if isinstance(value, str) else value


class Secret(Named):
    """One secret of a service."""

    name: EnvName = Field(description="Its name in the vault's `secrets`.")
    deliver: Delivery | None = Field(
        None, description="How this one arrives; as the service's `deliver` says where not given."
    )


class Writable(Named):
    """A folder in memory."""

    path: Path = Field(description="Where it is in the container.")
    size: Size | None = Field(
        None, description="At most; it counts as the container's memory in any case."
    )
    mode: str = Field("1777", pattern=r"^[0-7]{3,4}$", description="Its mode, in octal digits.")
    exec: bool = Field(False, description="Whether programs in it may be run.")

    def mount(self) -> str:
        """As Docker's tmpfs options have it."""
        options = [f"mode={self.mode}"]
        options += [f"size={self.size}"] if self.size else []
        options += ["exec"] if self.exec else []
        return f"{self.path}:{','.join(options)}"


def _image(value: object) -> object:
    if isinstance(value, str):
        reference.parse(value)
    return value


class Service(Strict):
    """One component of the application."""

    image: Annotated[str, BeforeValidator(_image)] = Field(
        description="Its image; the release chooses the version. One that is written here, a tag or a digest, stays "
        "whatever version is deployed.",
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port the container listens on, and others reach it by `http://<service>.internal`; none for "
        "workers.",
    )
    routes: list[Route] = Field(default=[], description="Requests that go to this service.")
    replicas: int = Field(1, ge=1, le=MAX_REPLICAS, description="Containers a host and slot.")
    command: list[str] | None = Field(None, description="Command in place of the image's own.")
    entrypoint: list[str] | None = Field(
        None,
        description="Entry point in place of the image's own, `[]` for none. `check` and `migrate` run without any.",
    )
    user: str = Field(
        "10001:10001",
        pattern=r"^\d{1,10}:\d{1,10}$",
        description="uid:gid in the container, whatever user the image names.",
    )
    root: bool = Field(
        False, description="Let `user` be `0:0`, for an image that cannot do without."
    )
    capabilities: list[Capability] = Field(
        default=[], description="Rights of root that it keeps, as `CHOWN`; all others are dropped."
    )
    init: bool = Field(
        True,
        description="Run Docker's init as process 1, which reaps; an image with its own needs none.",
    )
    health: Health = Field(default=Health(), description="The gate.")
    sticky: bool = Field(
        False,
        description="Whether a cookie keeps a user at one replica, for what only that one knows; after a deploy at the "
        "one of the same number.",
    )
    protocol: Literal["h1", "h2"] = Field(
        "h1",
        description="What it speaks on its port; `h2`, as gRPC needs, without TLS. Its health is asked by HTTP/1.1 in "
        "any case, so give a `health.port` where this one speaks h2 alone.",
    )
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
        description="How long an old slot keeps running for an instant rollback, with all it does by itself; "
        "/run/delight/slot tells it so. `0s` stops it at once.",
    )
    memory: Size = Field("512m", validate_default=True, description="Limit of a replica.")
    shm: Size | None = Field(None, description="Size of /dev/shm; Docker's 64m where not given.")
    cpus: float | None = Field(
        None, gt=0, description="Processors a replica may use; all of them where not given."
    )
    processes: int = Field(
        512, ge=1, description="Processes and threads that a replica may have at once."
    )
    open_files: int | None = Field(
        None, ge=64, description="Files that a process may have open; the engine's where not given."
    )
    db_connections: int = Field(0, ge=0, description="Database connections a replica may open.")
    settings: str | None = Field(
        None,
        pattern=r"^[\w~./-]+\.json$",
        description="JSON Schema of what it may be given, a file below `app_source`: env and secrets are held against "
        "it before any host is touched.",
    )
    env: dict[EnvName, EnvValue] = Field(default={}, description="Settings that are no secrets.")
    secrets: list[Secret] = Field(
        default=[],
        description="Names in the vault's `secrets`; or mappings, for one that arrives otherwise.",
    )
    deliver: Delivery = Field(
        "file",
        description="How secrets arrive: `file` is /run/secrets/NAME, named by NAME_FILE; `env` is the variable NAME, "
        "which `docker inspect` shows to root too.",
    )
    writable: list[Writable] = Field(
        default=["/tmp"],  # noqa: S108 the container's own, in memory
        validate_default=True,
        description="Folders in memory, by path or as mappings; everything else is read-only.",
    )
    read_only: bool = Field(
        True, description="Whether the container can't write to its image's folders."
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
        if self.port is None and (self.sticky or self.protocol != "h1"):
            raise ValueError("sticky and protocol need a port")
        if self.routes and self.singleton:
            raise ValueError(
                "a singleton has routes, but every host's edge sends users to its own containers only: "
                "drop singleton or routes"
            )
        if self.drain > self.stop_grace:
            raise ValueError("drain is longer than stop_grace: raise stop_grace or lower drain")
        names = [secret.name for secret in self.secrets]
        both = sorted(set(self.env) & set(names))
        if both:
            raise ValueError(f"{', '.join(both)} stands in env and in secrets; keep one")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} stands in secrets twice")
        if int(self.user.partition(":")[0]) == 0 and not self.root:
            raise ValueError(
                "user is root: give the uid and gid of a plain user (most images have one), or say "
                "`root: true` where the image cannot do without"
            )
        if self.health.command is not None and self.port is not None:
            raise ValueError(
                "health.command is for services without a port; with one, health.path is asked"
            )
        return self

    def delivered(self, how: Delivery) -> list[str]:
        """The names of the secrets that arrive so, sorted."""
        return sorted(one.name for one in self.secrets if (one.deliver or self.deliver) == how)
