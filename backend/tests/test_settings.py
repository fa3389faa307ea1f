"""Settings: values, files, mistakes; and no secret in what is said about them."""

import json
from pathlib import Path
from urllib.parse import quote

import jsonschema_rs
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.core import env_example, settings_schema
from app.core.settings import MANAGED, ConfigurationError, DatabaseSettings, Settings, load
from app.db.engine import database_url
from tests.backing import PASSWORD
from tests.conftest import BACKEND
from tests.svix import NEXT_SECRET, SECRET
from tests.tokens import key_pair, public_pem

DATABASE = f"postgresql://delight:{quote(PASSWORD, safe='')}@db:5432/delight"
REDIS = "redis://:redis-hidden@cache:6379/0"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with what must be there."""
    monkeypatch.setenv("DATABASE_URL", DATABASE)
    monkeypatch.setenv("REDIS_URL", REDIS)
    return monkeypatch


def mistakes() -> list[str]:
    """The lines of the refusal, free of every planted secret."""
    with pytest.raises(ConfigurationError) as refusal:
        load(Settings)
    text = str(refusal.value)
    assert refusal.value.__cause__ is None
    for secret in (PASSWORD, quote(PASSWORD, safe=""), "hidden"):
        assert secret not in text
    return text.splitlines()


def test_defaults(environment: pytest.MonkeyPatch) -> None:
    settings = load(Settings)
    assert (settings.port, settings.metrics_port, settings.release) == (8000, 9000, "development")
    assert settings.clerk_secret_key is None
    assert settings.allowed_origins == ["http://localhost:3000"]


def test_values(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PORT", "8123")
    environment.setenv("ALLOWED_ORIGINS", "https://a.example, https://b.example")
    environment.setenv("CLERK_SECRET_KEY", "")
    settings = load(Settings)
    assert settings.port == 8123
    assert settings.allowed_origins == ["https://a.example", "https://b.example"]
    assert settings.clerk_secret_key is None


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_value_from_a_file(environment: pytest.MonkeyPatch, tmp_path: Path, ending: str) -> None:
    file = tmp_path / "key"
    file.write_bytes(f"name with space \n inside{ending}".encode())
    environment.setenv("RELEASE_FILE", str(file))
    assert load(Settings).release == "name with space \n inside"


def test_every_mistake_with_files_at_once(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    environment.setenv("DATABASE_URL_FILE", "/run/secrets/DATABASE_URL")
    environment.setenv("CLERK_SECRET_KEY_FILE", "/nowhere/key")
    environment.setenv("RELEASE_FILE", str(tmp_path / "binary"))
    assert mistakes() == [
        "DATABASE_URL and DATABASE_URL_FILE are both set: keep one of them",
        f"RELEASE_FILE: can't read {tmp_path}/binary: it is not UTF-8 text",
        "CLERK_SECRET_KEY_FILE: can't read /nowhere/key: No such file or directory",
    ]


def test_a_file_beats_dotenv(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RELEASE=from-dotenv\nPORT=8001\n")
    (tmp_path / "release").write_text("from-file\n")
    environment.setenv("RELEASE_FILE", str(tmp_path / "release"))
    settings = load(Settings)
    assert (settings.release, settings.port) == ("from-file", 8001)


def test_nothing_set() -> None:
    assert mistakes() == [
        "DATABASE_URL is not set (nor DATABASE_URL_FILE)",
        "REDIS_URL is not set (nor REDIS_URL_FILE)",
    ]


def test_every_wrong_value_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "mysql://u:hidden@h/d")
    environment.setenv("REDIS_URL", "redis://:hid#den@h:hidden/0")
    environment.setenv("PORT", "70000")
    environment.setenv("LOG_LEVEL", "LOUD")
    assert mistakes() == [
        "DATABASE_URL: must be a URL like postgresql://user:password@host:port/name",
        "REDIS_URL: must be a URL like redis://user:password@host:port/name",
        "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
        "PORT: Input should be less than or equal to 65535",
    ]


@pytest.mark.parametrize("url", ["", "db:5432", "postgresql://", "postgresql://h:0/d", "//[x"])
def test_not_a_database_url(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("DATABASE_URL", url)
    assert mistakes()[0].startswith("DATABASE_URL")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_database_url_for_the_driver(environment: pytest.MonkeyPatch, scheme: str) -> None:
    environment.setenv("DATABASE_URL", DATABASE.replace("postgresql", scheme) + "?sslmode=require")
    url = database_url(load(DatabaseSettings))
    assert url.drivername == "postgresql+asyncpg"
    assert url.query == {"ssl": "require"}
    assert (url.password, url.host, url.database) == (PASSWORD, "db", "delight")


def test_secrets_are_not_shown(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CLERK_SECRET_KEY", "sk_test_hidden")
    settings = load(Settings)
    assert settings.secret_values() == {
        DATABASE, PASSWORD, quote(PASSWORD, safe=""), REDIS, "redis-hidden", "sk_test_hidden",
    }  # fmt: skip
    shown = f"{settings!r} {settings} {settings.model_dump()}"
    assert not [secret for secret in settings.secret_values() if secret in shown]


def test_example_is_fresh() -> None:
    text = (BACKEND / ".env.example").read_text()
    assert text == env_example.render(), "python -m app.core.env_example > .env.example"


def test_schema_is_fresh() -> None:
    told = json.loads((BACKEND / "settings.schema.json").read_text())
    assert told == settings_schema.schema(), "app.core.settings_schema > settings.schema.json"
    jsonschema_rs.validator_for(told)


def test_every_variable_is_in_its_section() -> None:
    assert settings_schema.sections().keys() == settings_schema.schema()["properties"].keys()


def test_secrets_are_marked() -> None:
    properties = settings_schema.schema()["properties"]
    assert {name for name, one in properties.items() if one.get("x-secret")} == {
        *("DATABASE_URL", "REDIS_URL", "CLERK_SECRET_KEY", "CLERK_WEBHOOK_SECRET"),
        *("OPENAI_API_KEY", "SENTRY_DSN", "OTEL_EXPORTER_OTLP_HEADERS"),
    }


MANAGED_DATABASE = f"{DATABASE}?sslmode=require"
MANAGED_REDIS = "rediss://:redis-hidden@cache:6379/0"
DSN = "https://hidden@sentry.example.com/1"


def test_managed_servers_are_reached_by_tls(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("INFRA_MODE", "production")
    assert mistakes() == [
        f"DATABASE_URL: {MANAGED['DATABASE_URL'].expected}",
        f"REDIS_URL: {MANAGED['REDIS_URL'].expected}",
        "SENTRY_DSN is not set (nor SENTRY_DSN_FILE), and INFRA_MODE is production",
    ]
    environment.setenv("DATABASE_URL", f"{DATABASE}?application_name=x&sslmode=verify-full")
    environment.setenv("REDIS_URL", MANAGED_REDIS)
    environment.setenv("SENTRY_DSN", DSN)
    assert load(Settings).infra_mode == "production"
    environment.delenv("SENTRY_DSN")
    environment.setenv("INFRA_MODE", "cloud-dev")
    assert load(Settings).sentry_dsn is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://postgres.abc:p%40ss@aws-0-eu.pooler.supabase.com:6543/postgres?sslmode=require",
        "postgresql://postgres:p%40ss@db.abc.supabase.co:5432/postgres?sslmode=verify-full",
        "postgresql+asyncpg://postgres:p%40ss@db.abc.supabase.co/postgres?ssl=require",
    ],
)
def test_urls_of_supabase(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("INFRA_MODE", "cloud-dev")
    environment.setenv("REDIS_URL", "rediss://default:word@eu1-x.upstash.io:6379")
    environment.setenv("DATABASE_URL", url)
    made = database_url(load(DatabaseSettings))
    assert (made.drivername, made.password) == ("postgresql+asyncpg", "p@ss")
    assert made.query["ssl"] in {"require", "verify-full"}
    assert load(Settings).redis_url.get_secret_value().startswith("rediss:")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CLERK_SECRET_KEY", "pk_test_hidden", "must be a secret key of Clerk, which begins with"),
        (
            "OPENAI_API_KEY",
            "hidden-hidden-hidden",
            "must be a key of OpenAI, which begins with sk-",
        ),
        ("SENTRY_DSN", "https://sentry.example.com/hidden", "must be a DSN like https://key@host"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hidden", "must be pairs like name=value"),
        ("INFRA_MODE", "hidden", "Input should be 'local', 'cloud-dev' or 'production'"),
        ("ENVIRONMENT", "Hidden One", "must be a name such as staging"),
    ],
)
def test_a_wrong_form(environment: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    environment.setenv(name, value)
    [line] = mistakes()
    assert line.startswith(f"{name}: {said}")


def test_example_can_be_used(tmp_path: Path) -> None:
    text = (BACKEND / ".env.example").read_text()
    (tmp_path / ".env").write_text(text.replace("# CLERK_SECRET_KEY", "CLERK_SECRET_KEY"))
    key = load(Settings).clerk_secret_key
    assert key is not None
    assert key.get_secret_value() == "sk_test_replace_me"


@pytest.mark.parametrize("breaks", ["\n", "\\n"])
def test_a_key_to_verify_tokens_with(environment: pytest.MonkeyPatch, breaks: str) -> None:
    environment.setenv("CLERK_JWT_KEY", public_pem().strip().replace("\n", breaks))
    assert load(Settings).clerk_jwt_key == public_pem()


def private_pem() -> str:
    """A key that must not be there."""
    key = key_pair("first")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


@pytest.mark.parametrize("pem", ["hidden", public_pem()[:200], private_pem()])
def test_not_a_key_to_verify_tokens_with(environment: pytest.MonkeyPatch, pem: str) -> None:
    environment.setenv("CLERK_JWT_KEY", pem)
    [line] = mistakes()
    assert line == "CLERK_JWT_KEY: must be an RSA public key of 2048 bits or more in PEM"


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({}, None),
        (
            {"CLERK_ISSUER": "https://clerk.example.com/"},
            "https://clerk.example.com/.well-known/jwks.json",
        ),
        (
            {"CLERK_ISSUER": "https://a.example", "CLERK_JWKS_URL": "http://127.0.0.1:8/keys"},
            "http://127.0.0.1:8/keys",
        ),
    ],
)
def test_where_keys_are_published(
    environment: pytest.MonkeyPatch, values: dict[str, str], url: str | None
) -> None:
    for name, value in values.items():
        environment.setenv(name, value)
    assert load(Settings).jwks_url() == url


@pytest.mark.parametrize("url", ["http://clerk.example.com", "ftp://localhost", "https://", "//[x"])
def test_keys_come_by_a_safe_way(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("CLERK_ISSUER", url)
    assert mistakes() == ["CLERK_ISSUER: must be a URL that begins with https://"]


def test_several_secrets(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text(f"{SECRET}\n{NEXT_SECRET}\n")
    environment.setenv("CLERK_WEBHOOK_SECRET_FILE", str(tmp_path / "secrets"))
    settings = load(Settings)
    assert {SECRET, NEXT_SECRET} < settings.secret_values()
    assert SECRET not in f"{settings!r} {settings.model_dump()}"


@pytest.mark.parametrize("secret", ["whsec_hidden", "hidden" * 9, f"{SECRET},whsec_hidden!"])
def test_not_a_webhook_secret(environment: pytest.MonkeyPatch, secret: str) -> None:
    environment.setenv("CLERK_WEBHOOK_SECRET", secret)
    [line] = mistakes()
    assert line == (
        "CLERK_WEBHOOK_SECRET: must be like whsec_ and base64; several are separated by commas"
    )
    assert SECRET not in line
