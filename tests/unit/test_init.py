"""`init.yml` describes an environment that every other playbook can read, and never writes twice."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from delight import schema

from tests.support.checkout import copy_sources
from tests.support.commands import run
from tests.support.git import commit_all

ANSWERS = {
    "init_name": "shop",
    "init_source": "../shop",
    "init_image": "ghcr.io/acme/shop",
    "init_registry_username": "bot",
    "init_port": "3000",
    "init_health": "/healthz",
    "init_secrets": "DATABASE_URL, SECRET_KEY",
    "init_hosts": "192.0.2.11, 192.0.2.12",
    "init_user": "admin",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of its own, with an application beside it."""
    folder = copy_sources(tmp_path_factory.mktemp("init") / "deploy")
    (folder.parent / "shop").mkdir()
    commit_all(folder)
    return folder


def init(project: Path, **answers: str) -> subprocess.CompletedProcess[str]:
    """`init.yml` with all answers on the command line."""
    said = [
        word for item in (ANSWERS | answers).items() for word in ("-e", "{}='{}'".format(*item))
    ]
    return run(project, "ansible-playbook", "init.yml", *said)


@pytest.fixture(scope="module")
def described(project: Path) -> Path:
    """The folder of the environment."""
    done = init(project)
    assert done.returncode == 0, done.stdout
    return project / "inventories/shop"


@pytest.mark.promise("W8")
def test_what_is_described_is_valid(project: Path, described: Path) -> None:
    main = yaml.safe_load((described / "group_vars/shop/main.yml").read_text())
    [service] = schema.validate_services(main["services"]).values()
    assert (service.image, service.port) == ("ghcr.io/acme/shop", 3000)
    assert service.delivered("env") == ["DATABASE_URL", "SECRET_KEY"]
    assert (main["registry"], main["registry_username"]) == ("ghcr.io", "bot")
    hosts = yaml.safe_load((described / "hosts.yml").read_text())
    group = hosts["all"]["children"]["shop"]
    assert [h["ansible_host"] for h in group["children"]["app"]["hosts"].values()] == [
        "192.0.2.11",
        "192.0.2.12",
    ]
    assert group["vars"]["ansible_user"] == "admin"
    assert (project / "shop").resolve() == described


@pytest.mark.promise("W8", "S5")
def test_the_vault_is_encrypted_and_opens(project: Path, described: Path) -> None:
    vault = described / "group_vars/shop/vault.yml"
    assert vault.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;shop\n")
    assert (project / ".vault/shop").stat().st_mode & 0o777 == 0o600
    seen = run(project, "ansible-vault", "view", "shop/group_vars/shop/vault.yml")
    assert seen.returncode == 0, seen.stdout
    held: dict[str, Any] = yaml.safe_load(seen.stdout)
    assert held["secrets"]["DATABASE_URL"] == held["registry_password"] == "CHANGE_ME"
    assert len(held["secrets"]["SECRET_KEY"]) == len(held["release_hmac_key"]) == 43


@pytest.mark.promise("W8", "S2")
def test_what_only_its_user_knows_is_asked_for_before_any_host(
    project: Path, described: Path
) -> None:
    refused = run(project, "ansible-playbook", "deploy.yml", "-i", "shop")
    assert refused.returncode != 0
    for key in ("secrets.DATABASE_URL", "registry_password"):
        line = next(line for line in refused.stdout.splitlines() if f"({key})" in line)
        assert "`ansible-vault edit inventories/shop/group_vars/shop/vault.yml`" in line


@pytest.mark.promise("W8")
def test_a_second_time_changes_nothing(project: Path, described: Path) -> None:
    commit_all(project)
    done = init(project, init_port="9999")
    assert done.returncode == 0, done.stdout
    assert "changed=0" in done.stdout
    status = subprocess.run(
        ["git", "status", "--short"], cwd=project, capture_output=True, check=True
    )
    assert not status.stdout


@pytest.mark.promise("W8")
def test_every_wrong_answer_is_named_and_nothing_is_written(project: Path) -> None:
    done = init(
        project,
        init_name="Shop",
        init_source="../nowhere",
        init_image="ghcr.io/acme/shop:v1",
        init_health="healthz",
        init_secrets="KEY=hunter22",
        init_hosts=",",
    )
    taken = init(project, init_name="docs")
    assert "init_name: docs is there already, as something else" in taken.stdout
    assert done.returncode != 0
    for said in (
        "init_name: a-z, 0-9 and _",
        "init_source: there is no folder ../nowhere",
        "init_image: the repository alone, without a tag",
        "init_health: a path, which begins with /",
        "init_secrets: names of variables, with commas between them, and no values",
        "init_hosts: at least one address",
    ):
        assert said in done.stdout
    assert not (project / "inventories/Shop").exists()
