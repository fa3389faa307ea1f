"""The refusals that come before any host is touched, in a project of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

ROOT = Path(__file__).resolve().parents[2]
PARTS = [
    *("ansible.cfg", "plugins/action/guard.py", "plugins/callback", "plugins/module_utils"),
    "playbooks/guard.yml",
]
HOSTS = "staging: {hosts: {app1: {ansible_host: 192.0.2.1}}}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the guard and one environment, `staging`, that has nothing wrong."""
    for part in PARTS:
        target = tmp_path / part
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, target)
    for link in ("playbooks/action_plugins", "playbooks/callback_plugins"):
        (tmp_path / link).symlink_to(os.readlink(ROOT / link))
    variables = tmp_path / "staging" / "group_vars" / "staging"
    variables.mkdir(parents=True)
    (tmp_path / "staging" / "hosts.yml").write_text(HOSTS)
    (variables / "main.yml").write_text("domain: example.com\n")
    (tmp_path / "bin").mkdir()
    client = tmp_path / "bin" / "vault-client"
    client.write_text("#!/bin/sh\necho right\n")
    client.chmod(0o755)
    return tmp_path


def run(project: Path, *options: str, **environment: str) -> tuple[int, str]:
    """Run the guard as a user would; return status and output with its line breaks removed."""
    ansible = Path(sys.executable).parent / "ansible-playbook"
    inventory = [] if "-i" in options else ["-i", "staging"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")} | environment
    ran = subprocess.run(
        [ansible, "playbooks/guard.yml", *inventory, *options],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, " ".join((ran.stdout + ran.stderr).split())


def encrypt(project: Path, text: str) -> Path:
    """Write the environment's vault, encrypted with the password that the client gives."""
    vault = project / "staging/group_vars/staging/vault.yml"
    secret = VaultSecret(b"right")
    vault.write_bytes(VaultLib().encrypt(text, secret=secret, vault_id="staging"))
    return vault


def test_lets_a_filled_in_environment_pass(project: Path) -> None:
    encrypt(project, "token: real\n")
    status, output = run(project)
    assert (status, "Refused" in output) == (0, False), output


@pytest.mark.promise("S2")
def test_names_every_placeholder_with_file_and_command(project: Path) -> None:
    (project / "staging/hosts.yml").write_text(HOSTS.replace("192.0.2.1", "CHANGE_ME_ADDRESS"))
    values = "DATABASE_URL: 'postgresql://CHANGE_ME_PASSWORD@db/app', KEY: CHANGE_MEhunter22"
    encrypt(project, f"secrets: {{{values}}}\n")
    status, output = run(project)
    assert status == 20
    assert "CHANGE_ME_ADDRESS (ansible_host) in staging/hosts.yml:1: `$EDITOR" in output
    assert "CHANGE_ME_PASSWORD (secrets.DATABASE_URL)" in output
    assert "`ansible-vault edit staging/group_vars/staging/vault.yml`" in output
    assert "CHANGE_ME (secrets.KEY)" in output
    assert "postgresql://" not in output and "hunter22" not in output


@pytest.mark.parametrize("option", ["--syntax-check", "--list-tasks"])
def test_placeholders_leave_the_looking_commands_alone(project: Path, option: str) -> None:
    (project / "staging/hosts.yml").write_text(HOSTS.replace("192.0.2.1", "CHANGE_ME"))
    assert run(project, option)[0] == 0


def test_placeholders_are_refused_under_a_limit_too(project: Path) -> None:
    (project / "staging/group_vars/staging/main.yml").write_text("domain: CHANGE_ME_DOMAIN\n")
    status, output = run(project, "--limit", "app1")
    assert status == 20
    assert "CHANGE_ME_DOMAIN (domain)" in output


def test_an_override_on_the_command_line_takes_a_placeholder_out_of_force(project: Path) -> None:
    (project / "staging/group_vars/staging/main.yml").write_text("domain: CHANGE_ME_DOMAIN\n")
    assert run(project, "-e", "domain=example.org")[0] == 0


def test_names_the_vault_that_the_password_does_not_open(project: Path) -> None:
    encrypt(project, "token: real\n")
    (project / "bin/vault-client").write_text("#!/bin/sh\necho wrong\n")
    status, output = run(project)
    assert status == 20
    assert "staging/group_vars/staging/vault.yml can't be decrypted" in output
    assert "vault id 'staging'" in output


@pytest.mark.promise("S2")
def test_says_how_to_make_a_missing_vault(project: Path) -> None:
    (project / "staging/group_vars/staging/vault.yml.example").write_text("token: CHANGE_ME\n")
    status, output = run(project)
    assert status == 20
    assert "`ansible-playbook secrets.yml -i staging -e do=init` makes it" in output


@pytest.mark.promise("S1", "S3")
def test_names_every_secret_that_would_not_arrive_as_it_was_typed(project: Path) -> None:
    (project / "staging/group_vars/staging/main.yml").write_text(
        "db_port: 80\ndb: 'db{{ db_port }}'\n"
    )
    wrong = {
        **{"secrets.BRACES": "'hunter{{22'", "secrets.NAMED": "'{{ hunter22 }}'"},
        **{"secrets.CONSTANT": "'{{ 22 }}'", "secrets.COMMENT": "'hunter{# 2 #}2{{ db_port }}'"},
        **{"secrets.OCTAL": "0123", "secrets.DATE": "2026-11-30", "secrets.FLOAT": "1.10"},
        **{"secrets.AGREED": "yes", "token": "12345"},
    }
    right = {"secrets.URL": "'db://{{ db }}'", "secrets.UNSAFE": "!unsafe 'a{{b'", "key": "'012'"}
    inner = [f"{k.removeprefix('secrets.')}: {v}" for k, v in (wrong | right).items() if "." in k]
    outer = [f"{k}: {v}" for k, v in (wrong | right).items() if "." not in k]
    encrypt(project, "\n".join([*outer, "secrets:", *(f"  {line}" for line in inner), ""]))
    status, output = run(project, "-vvv")
    assert status == 20
    marks = "holds marks of a template ({{, {% or {#) and is none that can be filled in"
    for key in ("BRACES", "NAMED", "CONSTANT", "COMMENT"):
        assert f"secrets.{key} {marks}: where they belong to the value, write `!unsafe`" in output
    for key in ("secrets.OCTAL", "secrets.FLOAT", "token"):
        assert f"{key} is read as a number by YAML: put it into quotes" in output
    assert "secrets.DATE is read as a date" in output
    assert "secrets.AGREED is read as true or false" in output
    assert not any(f" {key} " in output for key in right), output
    assert "hunter" not in output


def test_says_what_generates_the_vault_of_local(project: Path) -> None:
    (project / "staging/group_vars/local").mkdir()
    status, output = run(project)
    assert status == 20
    assert "staging/group_vars/local/vault.yml is missing: `make local` generates it" in output


def test_refuses_a_foreign_configuration(project: Path) -> None:
    encrypt(project, "token: real\n")
    (project / "other.cfg").write_text("")
    status, output = run(project, ANSIBLE_CONFIG=str(project / "other.cfg"))
    assert status == 20
    assert f"the configuration in force is {project}/other.cfg" in output
    assert "unset ANSIBLE_CONFIG" in output


def test_refuses_a_project_that_everyone_may_write_to(project: Path) -> None:
    project.chmod(0o777)
    status, output = run(project, HOME=str(project))
    assert status == 20
    assert f"chmod o-w {project}" in output


def test_refuses_an_environment_without_hosts(project: Path) -> None:
    (project / "staging/hosts.yml").write_text("staging: {hosts: {}}\n")
    status, output = run(project)
    assert status == 1
    assert "the environment has no hosts: `$EDITOR staging/hosts.yml`" in output
