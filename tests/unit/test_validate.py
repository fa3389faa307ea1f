"""`validate.yml` for every environment of the repository, filled in as its user would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.checkout import copy_sources
from tests.support.commands import run

# What a user puts in for each CHANGE_ME, by what stands around it; nobody has these addresses (RFC 5737).
FILLED_IN = {
    "staging": {"registry": "192.0.2.13:5000", "registry_username": "bot", "app_host": "shop.example.com"},
    "production": {
        "registry": "registry.example.com",
        "registry_username": "bot",
        "app_host": "shop.example.com",
    },
}  # fmt: skip
SECRETS = {
    "staging": {
        "DATABASE_URL": "postgresql+asyncpg://delight:hunter22@192.0.2.13:5432/delight",
        "REDIS_URL": "redis://:hunter22@192.0.2.13:6379/0",
        "CLERK_SECRET_KEY": "sk_test_hunter22",
        "CLERK_WEBHOOK_SECRET": "whsec_cmVwbGFjZSBtZSByZXBsYWNlIG1l",
        "SENTRY_DSN": "https://hunter22@sentry.example.com/1",
    },
    "production": {
        "DATABASE_URL": "postgresql://delight:hunter22@db.example.com:5432/delight?sslmode=require",
        "REDIS_URL": "rediss://default:hunter22@cache.example.com:6379",
        "CLERK_SECRET_KEY": "sk_live_hunter22",
        "CLERK_WEBHOOK_SECRET": "whsec_cmVwbGFjZSBtZSByZXBsYWNlIG1l",
        "SENTRY_DSN": "https://hunter22@sentry.example.com/1",
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose environments are filled in."""
    folder = copy_sources(tmp_path_factory.mktemp("validate"))
    for name, values in FILLED_IN.items():
        inventory = folder / "inventories" / name
        hosts = inventory / "hosts.yml"
        hosts.write_text(hosts.read_text().replace("CHANGE_ME", "192.0.2.11"))
        main = inventory / f"group_vars/{name}/main.yml"
        main.write_text(yaml.safe_dump(yaml.safe_load(main.read_text()) | values))
        vault(folder, name, {})
    return folder


def vault(project: Path, name: str, secrets: dict[str, Any]) -> None:
    """Write the vault of an environment; what its example asks for is there."""
    folder = project / f"inventories/{name}/group_vars/{name}"
    wanted = yaml.safe_load((folder / "vault.yml.example").read_text())
    assert wanted["secrets"].keys() == SECRETS[name].keys()
    filled = {key: "a word of no special form" for key in wanted if key != "secrets"}
    text = yaml.safe_dump({**filled, "secrets": SECRETS[name] | secrets})
    (folder / "vault.yml").write_text(text)


def validate(project: Path, name: str, *args: str) -> tuple[int, str]:
    """Status and output."""
    done = run(project, "ansible-playbook", "validate.yml", "-i", name, *args)
    assert "hunter22" not in done.stdout
    return done.returncode, done.stdout


@pytest.mark.promise("S2", "W1")
@pytest.mark.parametrize("name", FILLED_IN)
def test_an_environment_that_is_filled_in_is_valid(project: Path, name: str) -> None:
    status, output = validate(project, name)
    assert status == 0, output
    assert re.search(r"^VALID: 3 services; 3 were held against the schema", output, re.MULTILINE)


@pytest.mark.promise("S1", "S2", "S3")
def test_every_mistake_is_named_without_its_value(project: Path) -> None:
    vault(
        project,
        "production",
        {"CLERK_SECRET_KEY": "pk_live_hunter22", "REDIS_URL": "redis://:hunter22@h"},
    )
    try:
        status, output = validate(project, "production", "-vvv", "-e", "log_level=hunter22")
    finally:
        vault(project, "production", {})
    assert status == 20
    assert output.rpartition("INVALID: ")[2].splitlines() == [
        "4 mistakes, and no host was touched",
        "  secrets.CLERK_SECRET_KEY: must be a secret key of Clerk, which begins with sk_test_ or sk_live_",
        "  services.api.env.LOG_LEVEL: must be one of DEBUG, INFO, WARNING, ERROR",
        "  secrets.REDIS_URL: must begin with rediss:// where INFRA_MODE is not local",
        "  services.worker.env.LOG_LEVEL: must be one of DEBUG, INFO, WARNING, ERROR",
    ]
