"""The service's settings: environment variables, or files named by NAME_FILE.

Every setting NAME may be given as NAME (the value) or NAME_FILE (the path of a file that holds
the value and nothing else). Files are how secrets reach a container: a variable can be read
with `docker inspect`, a file of mode 0400 can't.
"""

import os
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.auth.settings import ClerkSettings
from app.core.fields import CommaSeparated, Port, Seconds, in_production
from app.core.forms import Form, url
from app.core.limits import LimitSettings
from app.events.settings import EventSettings
from app.observability.settings import ObservabilitySettings
from app.openai.settings import OpenAISettings
from app.webhooks.settings import WebhookSettings
from app.worker.settings import WorkerSettings


class ConfigurationError(Exception):
    """The environment can't be used; the text has one line per mistake and no value of a secret."""


DatabaseUrl = Annotated[
    SecretStr,
    url(
        "postgresql",
        "postgresql+asyncpg",
        "postgres",
        example="postgresql://user:password@host:port/name",
    ),
]
RedisUrl = Annotated[
    SecretStr, url("redis", "rediss", example="redis://user:password@host:port/name")
]
# Where INFRA_MODE names managed servers, they are reached over networks of others: by TLS alone.
MANAGED = {
    "DATABASE_URL": Form(
        r"[^?]*\?(?:[^\s]*&)?ssl(?:mode)?=(?:require|verify-ca|verify-full)(?:&[^\s]*)?",
        "must end with ?sslmode=require or ?sslmode=verify-full where INFRA_MODE is not local",
    ),
    "REDIS_URL": Form(r"rediss:[^\s]*", "must begin with rediss:// where INFRA_MODE is not local"),
}
# What must be set where INFRA_MODE is production, so that somebody learns of errors.
NEEDED_IN_PRODUCTION = ["SENTRY_DSN"]
Loaded = TypeVar("Loaded", bound="DatabaseSettings")


class FileSource(PydanticBaseSettingsSource):
    """Values of NAME_FILE variables; one final newline is not part of the value."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The content of the file named for this field, or None where no file is named."""
        name = field_name.upper()
        path = os.environ.get(f"{name}_FILE")
        if not path:
            return None, field_name, False
        if os.environ.get(name):
            raise ConfigurationError(f"{name} and {name}_FILE are both set: keep one of them")
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigurationError(f"{name}_FILE: can't read {path}: {reason}") from None
        return text.removesuffix("\n").removesuffix("\r") or None, field_name, False

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        mistakes: list[str] = []
        for name, field in self.settings_cls.model_fields.items():
            try:
                value, key, _ = self.get_field_value(field, name)
            except ConfigurationError as error:
                mistakes.append(str(error))
            else:
                if value is not None:
                    values[key] = value
        if mistakes:
            raise ConfigurationError("\n".join(mistakes))
        return values


class DatabaseSettings(BaseSettings):
    """What every process that uses the database needs, migrations included."""

    section: ClassVar[str] = "Database"

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", hide_input_in_errors=True
    )

    database_url: DatabaseUrl = Field(
        description="PostgreSQL. Migrations need a direct connection, not a transaction pooler.",
        examples=["postgresql://delight:password@localhost:5432/delight"],
        json_schema_extra=in_production(
            **{
                "not": {"pattern": r"[@/](localhost|127\.0\.0\.1|\[::1\])([:/?]|$)"},
                "x-expected": "must not be on this machine in production",
            }
        ),
    )
    migration_wait: Seconds = Field(
        60, description="Seconds to wait for another migration run to end."
    )
    migration_lock_timeout: Seconds = Field(
        5, description="Seconds a migration waits for a table; traffic queues behind that wait."
    )
    migration_statement_timeout: Seconds = Field(
        600, description="Seconds one statement of a migration may take."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the files it names, then `.env`."""
        return init_settings, env_settings, FileSource(settings_cls), dotenv_settings

    def secret_values(self) -> set[str]:
        """Every text that must not be seen: the secrets, and the passwords inside URLs."""
        found: set[str] = set()
        values = (each if isinstance(each, list) else [each] for each in self.__dict__.values())
        for value in chain.from_iterable(values):
            if isinstance(value, SecretStr) and (text := value.get_secret_value()):
                found.add(text)
                password = urlsplit(text).password if "://" in text else None
                if password:
                    found |= {password, unquote(password)}
        return found


class RedisSettings(BaseSettings):
    """The queue, the events between processes, the counters of limits."""

    section: ClassVar[str] = "Redis"

    redis_url: RedisUrl = Field(
        description="Redis; rediss:// for TLS.", examples=["redis://:password@localhost:6379/0"]
    )


class EnvironmentSettings(BaseSettings):
    """Where this process runs, and how much it says."""

    section: ClassVar[str] = "Environment"

    environment: Annotated[
        str, Form("[a-z][a-z0-9_-]*", "must be a name such as staging: a-z, 0-9, _ and -")
    ] = Field(
        "development",
        description="Name of the environment: development, local, staging, production or another.",
    )
    infra_mode: Literal["local", "cloud-dev", "production"] = Field(
        "local",
        description="Whose PostgreSQL and Redis these are. local: our own. cloud-dev: managed "
        "ones, spoken to by TLS alone. production: the same, and SENTRY_DSN must be set.",
    )
    release: str = Field("development", description="Id of the release this process belongs to.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO",
        description="DEBUG tells of health requests too, WARNING of no good request.",
        json_schema_extra=in_production(
            **{"not": {"const": "DEBUG"}, "x-expected": "must not be DEBUG in production"}
        ),
    )


class ServingSettings(BaseSettings):
    """How requests are taken, and from whom."""

    section: ClassVar[str] = "Serving"

    allowed_origins: CommaSeparated = Field(
        ["http://localhost:3000"],
        description="Origins that browsers may call from, separated by commas.",
        json_schema_extra=in_production(
            items=Form(
                r"https://(?!localhost\b|127\.)\S+",
                "must be https:// origins in production, and not this machine",
            ).schema()
        ),
    )
    host: str = Field(
        # The network of a container is its own.
        "0.0.0.0",  # noqa: S104  # nosec B104
        description="Address to listen on.",
    )
    port: Port = Field(8000, description="Port of the API.")
    metrics_port: Port = Field(9000, description="Port of /metrics; never routed.")
    graceful_timeout: Annotated[int, Field(ge=1, le=3600)] = Field(
        30,
        description="Seconds that open requests get after SIGTERM; above the longest request "
        "and below the container's stop grace period.",
    )
    keep_alive_timeout: Annotated[int, Field(ge=1, le=3600)] = Field(
        75, description="Seconds an idle connection stays open; above the proxy's own."
    )
    forwarded_allow_ips: str = Field(
        "127.0.0.1", description="Proxies whose X-Forwarded headers are believed (or *)."
    )
    health_timeout: Seconds = Field(2, description="Seconds each dependency gets to answer.")
    db_pool_size: Annotated[int, Field(ge=1, le=100)] = Field(
        5, description="Connections of one process to PostgreSQL, at most."
    )


class Settings(
    WorkerSettings,
    EventSettings,
    LimitSettings,
    ServingSettings,
    ObservabilitySettings,
    OpenAISettings,
    WebhookSettings,
    ClerkSettings,
    EnvironmentSettings,
    RedisSettings,
    DatabaseSettings,  # last: its configuration counts for all, and pydantic reads from the end
):
    """Everything the service can be told; each domain brings its part."""

    @model_validator(mode="after")
    def _suits_its_servers(self) -> Self:
        values = {name: getattr(self, name.lower()).get_secret_value() for name in MANAGED}
        wrong = [f"{n}: {form.expected}" for n, form in MANAGED.items() if not form.fits(values[n])]
        if self.infra_mode == "production":
            wrong += [
                f"{name} is not set (nor {name}_FILE), and INFRA_MODE is production"
                for name in NEEDED_IN_PRODUCTION
                if getattr(self, name.lower()) is None
            ]
        if wrong and self.infra_mode != "local":
            raise ConfigurationError("\n".join(wrong))
        return self


def load(kind: type[Loaded], **values: Any) -> Loaded:
    """Read the settings; every mistake in one ConfigurationError, by name and without values."""
    try:
        return kind(**values)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_context=False, include_input=False)
        raise ConfigurationError("\n".join(_sentence(mistake) for mistake in mistakes)) from None


def _sentence(mistake: Mapping[str, Any]) -> str:
    """`NAME what is wrong`, from one error of pydantic."""
    name = str(mistake["loc"][0]).upper()
    if mistake["type"] == "missing":
        return f"{name} is not set (nor {name}_FILE)"
    return f"{name}: {str(mistake['msg']).removeprefix('Value error, ')}"
