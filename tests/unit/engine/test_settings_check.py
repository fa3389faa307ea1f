"""What a service is given is held against its schema: every mistake by its path, and never a value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from delight import config, settings_check
from delight.errors import ConfigError

from tests.unit.engine.conftest import API
from tests.unit.engine.test_config import LOADED

ROOT = Path(__file__).resolve().parents[3]
BACKEND = ROOT / "backend/settings.schema.json"
ENV = {"ENVIRONMENT": "staging", "LOG_LEVEL": "INFO", "PORT": "8000"}
SECRETS = {
    "DATABASE_URL": "postgresql://u:hunter22@db:5432/delight",
    "REDIS_URL": "redis://:hunter22@cache:6379/0",
}


def told(env: dict[str, str] | None = None, secrets: dict[str, str] | None = None) -> list[str]:
    """What is wrong with the backend's environment, with these changes; an empty value is none."""
    return settings_check.mistakes("api", BACKEND, ENV | (env or {}), SECRETS | (secrets or {}))


def test_a_good_environment_has_no_mistake() -> None:
    assert told() == []
    assert told({"ALLOWED_ORIGINS": "", "CLERK_ISSUER": "", "RELEASE": "x"}) == []
    assert told({"MIGRATION_WAIT": "0.5", "EVENTS_RETRY": "0"}) == []


@pytest.mark.promise("S2", "S3")
@pytest.mark.parametrize(
    ("env", "secrets", "said"),
    [
        ({"LOG_LEVL": "hunter22"}, {}, "services.api.env.LOG_LEVL: is unknown to it; did you mean LOG_LEVEL?"),
        ({"XYZZY": "hunter22"}, {}, "services.api.env.XYZZY: is unknown to it"),
        ({"LOG_LEVEL": "hunter22"}, {}, "services.api.env.LOG_LEVEL: must be one of DEBUG, INFO, WARNING, ERROR"),
        ({"PORT": "hunter22"}, {}, "services.api.env.PORT: must be a whole number"),
        ({"PORT": "70000"}, {}, "services.api.env.PORT: must be at most 65535"),
        ({"MIGRATION_WAIT": "0"}, {}, "services.api.env.MIGRATION_WAIT: must be above 0"),
        ({}, {"DATABASE_URL": "db:5432/hunter22"},
         "secrets.DATABASE_URL: must be a URL like postgresql://user:password@host:port/name"),
        ({}, {"DATABASE_URL": "postgresql+psycopg2://u:hunter22@db/x"},
         "secrets.DATABASE_URL: must be a URL like postgresql://user:password@host:port/name"),
        ({}, {"CLERK_SECRET_KEY": "pk_test_hunter22"},
         "secrets.CLERK_SECRET_KEY: must be a secret key of Clerk, which begins with sk_test_ or sk_live_"),
        ({}, {"CLERK_WEBHOOK_SECRET": "whsec_hunter22"},
         "secrets.CLERK_WEBHOOK_SECRET: must be like whsec_ and base64; several are separated by commas"),
        ({"SENTRY_DSN": "https://hunter22@sentry.test/1"}, {},
         f"services.api.env.SENTRY_DSN: {settings_check.IN_THE_OPEN}"),
        ({}, {"REDIS_URL": ""},
         f"secrets.REDIS_URL: is missing: {settings_check.TO_THE_VAULT}"),
        ({"INFRA_MODE": "cloud-dev"}, {"DATABASE_URL": f"{SECRETS['DATABASE_URL']}?sslmode=require"},
         "secrets.REDIS_URL: must begin with rediss:// where INFRA_MODE is not local"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_its_path_without_its_value(
    env: dict[str, str], secrets: dict[str, str], said: str
) -> None:
    assert told(env, secrets) == [said]


@pytest.mark.promise("S2")
def test_production_takes_no_keys_of_a_trial() -> None:
    production = {"ENVIRONMENT": "production", "LOG_LEVEL": "DEBUG"}
    production["ALLOWED_ORIGINS"] = "https://a.example,http://localhost:3000"
    secrets = {
        "CLERK_SECRET_KEY": "sk_test_hunter22",
        "DATABASE_URL": "postgresql://u:p@localhost/x",
    }
    assert sorted(told(production, secrets)) == [
        "secrets.CLERK_SECRET_KEY: must be a live key in production, which begins with sk_live_",
        "secrets.DATABASE_URL: must not be on this machine in production",
        "services.api.env.ALLOWED_ORIGINS: must be https:// origins in production, and not this machine",
        "services.api.env.LOG_LEVEL: must not be DEBUG in production",
    ]
    secrets = {"CLERK_SECRET_KEY": "sk_live_x", "DATABASE_URL": "postgresql://u:p@db.example/x"}
    assert (
        told(production | {"LOG_LEVEL": "WARNING", "ALLOWED_ORIGINS": "https://a.example"}, secrets)
        == []
    )


def test_a_secret_that_is_missing_is_named_where_its_name_belongs() -> None:
    found = settings_check.mistakes("api", BACKEND, ENV, {"REDIS_URL": SECRETS["REDIS_URL"]})
    assert found == [
        f"services.api.secrets.DATABASE_URL: is missing: {settings_check.TO_THE_VAULT}"
    ]


def test_a_schema_may_ask_for_what_the_engine_gives_and_name_by_pattern(tmp_path: Path) -> None:
    schema = {
        "properties": {"PORT": True, "RELEASE": {"type": "string"}},
        "patternProperties": {"^FEATURE_": {"enum": ["on", "off"]}},
        "required": ["PORT", "RELEASE"],
        "additionalProperties": False,
    }
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    env = {"FEATURE_A": "on", "FEATURE_B": "hunter22", "FUTURE": "hunter22"}
    assert settings_check.mistakes("web", tmp_path / "schema.json", env, {}) == [
        "services.web.env.FUTURE: is unknown to it",
        "services.web.env.FEATURE_B: must be one of on, off",
    ]


def test_what_a_file_holds_is_there() -> None:
    found = settings_check.mistakes(
        "api", BACKEND, {**ENV, "REDIS_URL_FILE": "/x"}, {"DATABASE_URL": SECRETS["DATABASE_URL"]}
    )
    assert found == []
    assert told({"NO_SUCH_FILE": "/x"}) == ["services.api.env.NO_SUCH_FILE: is unknown to it"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "can't be read: No such file or directory"),
        ("{", "is no JSON"),
        ('{"type": 1}', "is no JSON Schema: see type"),
        ("true", "describes no object: `properties` are the variables"),
    ],
)
def test_a_schema_that_is_none(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "schema.json"
    if text is not None:
        file.write_text(text)
    assert settings_check.mistakes("api", file, {}, {}) == [f"services.api.settings: {file} {said}"]


@pytest.mark.promise("S1", "S2")
def test_all_mistakes_of_a_configuration_come_at_once(tmp_path: Path) -> None:
    schema = {"properties": {"MODE": {"enum": ["a", "b"]}}, "additionalProperties": False}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    service = {**API, "settings": "schema.json", "env": {"MODE": "hunter22"}}
    changes: dict[str, Any] = {
        "services": {"api": service},
        "secrets": {"DATABASE_URL": "hunter22\n"},
        "app_source": str(tmp_path),
        "skip_gate": "perhaps",
        "allow_mixed": False,
        "migrate": "manual",
        "takeover": "",
        "registries": {"ghcr.io": {"user": "x"}},
    }
    value = (LOADED | changes).__getitem__
    with pytest.raises(ConfigError) as caught:
        config.check(value)
    assert caught.value.mistakes == [
        "skip_gate: is neither true nor false",
        "registries.ghcr.io: unknown key 'user'",
        "secrets.DATABASE_URL: ends with a newline: write it on one line, or in a block with `|-`",
        "secrets.DATABASE_URL: is unknown to it",
        "services.api.env.MODE: must be one of a, b",
    ]
    with pytest.raises(ConfigError) as caught:
        config.check(value, with_settings=False)
    assert len(caught.value.mistakes) == 2


@pytest.mark.parametrize(
    "value", ["word", "a\nb\n", " spaced ", "-----BEGIN-----\nx\n-----END-----\n"]
)
def test_a_value_is_a_value(value: str) -> None:
    assert settings_check.trailing_newlines({"A": value}) == []
