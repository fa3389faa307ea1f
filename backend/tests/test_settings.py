"""Settings: values, files, mistakes; and no secret in what is said about them."""

from pathlib import Path
from urllib.parse import quote

import pytest

from app.core import env_example
from app.core.settings import ConfigurationError, DatabaseSettings, Settings, load
from app.db.engine import database_url
from tests.backing import PASSWORD
from tests.conftest import BACKEND

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
    file.write_bytes(f"sk_ with space \n inside{ending}".encode())
    environment.setenv("CLERK_SECRET_KEY_FILE", str(file))
    key = load(Settings).clerk_secret_key
    assert key is not None
    assert key.get_secret_value() == "sk_ with space \n inside"


def test_every_mistake_with_files_at_once(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    environment.setenv("DATABASE_URL_FILE", "/run/secrets/DATABASE_URL")
    environment.setenv("CLERK_SECRET_KEY_FILE", "/nowhere/key")
    environment.setenv("RELEASE_FILE", str(tmp_path / "binary"))
    assert mistakes() == [
        "DATABASE_URL and DATABASE_URL_FILE are both set: keep one of them",
        "CLERK_SECRET_KEY_FILE: can't read /nowhere/key: No such file or directory",
        f"RELEASE_FILE: can't read {tmp_path}/binary: it is not UTF-8 text",
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
        "PORT: Input should be less than or equal to 65535",
        "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
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
    environment.setenv("CLERK_SECRET_KEY", "sk_hidden")
    settings = load(Settings)
    assert settings.secret_values() == {
        DATABASE, PASSWORD, quote(PASSWORD, safe=""), REDIS, "redis-hidden", "sk_hidden",
    }  # fmt: skip
    shown = f"{settings!r} {settings} {settings.model_dump()}"
    assert not [secret for secret in settings.secret_values() if secret in shown]


def test_example_is_fresh() -> None:
    text = (BACKEND / ".env.example").read_text()
    assert text == env_example.render(), "python -m app.core.env_example > .env.example"


def test_example_can_be_used(tmp_path: Path) -> None:
    text = (BACKEND / ".env.example").read_text()
    (tmp_path / ".env").write_text(text.replace("# CLERK_SECRET_KEY", "CLERK_SECRET_KEY"))
    key = load(Settings).clerk_secret_key
    assert key is not None
    assert key.get_secret_value() == "sk_test_replace_me"
