"""`secrets.yml`: a vault with what an environment needs, held against it, and given another password."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from cryptography import x509
from delight.release import secret_digest

from tests.support.checkout import copy_sources
from tests.support.commands import run

VAULT = "inventories/staging/group_vars/staging/vault.yml"
PUBLIC = {"delight", "delight_2"}
FROM_ELSEWHERE = ["CLERK_SECRET_KEY", "CLERK_WEBHOOK_SECRET", "SENTRY_DSN"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout whose staging has addresses and no vault."""
    folder = copy_sources(tmp_path)
    hosts = folder / "inventories/staging/hosts.yml"
    hosts.write_text(hosts.read_text().replace("CHANGE_ME", "192.0.2.11"))
    main = folder / "inventories/staging/group_vars/staging/main.yml"
    main.write_text(
        main.read_text().replace("CHANGE_ME:5000", "192.0.2.13:5000").replace("CHANGE_ME", "bot")
    )
    return folder


def secrets(project: Path, do: str, *args: str) -> tuple[int, str]:
    """(status, what was said at the end) of `secrets.yml`, which tells no value of the vault."""
    done = run(project, "ansible-playbook", "secrets.yml", "-i", "staging", "-e", f"do={do}", *args)
    file = project / VAULT
    if file.exists() and file.read_bytes().startswith(b"$ANSIBLE_VAULT"):
        assert not [one for one in words(opened(project)) if one in done.stdout]
    return done.returncode, done.stdout.rpartition("\n\n")[2]


def opened(project: Path) -> dict[str, Any]:
    """What is in the vault."""
    password = VaultSecret((project / ".vault/staging").read_bytes().strip())
    text = VaultLib([("staging", password)]).decrypt((project / VAULT).read_bytes())
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def words(value: Any) -> Iterator[str]:
    """Everything in a vault that nobody may see."""
    if isinstance(value, dict):
        for item in value.values():
            yield from words(item)
    elif isinstance(value, list):
        yield from (item for one in value for item in words(one))
    elif "CHANGE_ME" not in value and "{{" not in value and value not in PUBLIC:
        yield value


def fill_in(project: Path) -> str:
    """`make secrets ENV=staging`, by an editor that answers all that is left; what was said at the end."""
    editor = project / "editor"
    editor.write_text('#!/bin/sh\nexec sed -i s/CHANGE_ME/real/ "$1"\n')
    editor.chmod(0o700)
    edited = run(project, str(project / "bin/secrets"), "staging", EDITOR=str(editor))
    assert edited.returncode == 0, edited.stdout
    return edited.stdout.rpartition("\n\n")[2]


@pytest.mark.promise("S2", "S5")
def test_a_vault_is_made_with_all_that_needs_nobody(project: Path) -> None:
    status, said = secrets(project, "check")
    assert status == 20
    assert "vault.yml is missing: `ansible-playbook secrets.yml -i staging -e do=init`" in said
    looked = secrets(project, "init", "--check")
    assert looked[1].startswith("WOULD WRITE: ") and not (project / VAULT).exists()

    status, said = secrets(project, "init")
    assert status == 0, said
    assert (project / VAULT).read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;staging\n")
    assert (project / ".vault/staging").stat().st_mode & 0o777 == 0o600
    held = opened(project)
    made = {"release_hmac_key", "registry_password", "postgres_password", "redis_password"}
    assert len({held[key] for key in made}) == 4 and all(len(held[key]) == 43 for key in made)
    assert re.findall(r"^  (\S+): still to be given$", said, re.MULTILINE) == [
        f"secrets.{name}" for name in FROM_ELSEWHERE
    ]
    authority = x509.load_pem_x509_certificate(held["registry_ca"].encode())
    server = x509.load_pem_x509_certificate(held["registry_tls_certificate"].encode())
    server.verify_directly_issued_by(authority)

    before = (project / VAULT).read_bytes()
    assert secrets(project, "init")[1].startswith("UNCHANGED: ")
    assert (project / VAULT).read_bytes() == before

    status, said = secrets(project, "check")
    assert status == 20
    assert said.count("is still to be given") == len(FROM_ELSEWHERE)
    said = fill_in(project)
    assert said.splitlines()[0] == "COMPLETE: staging has the 12 secrets that it needs"
    assert "  secrets.DATABASE_URL: api, worker" in said.splitlines()


@pytest.mark.promise("S2", "S3")
def test_what_is_wrong_with_a_vault_is_told_by_name(project: Path) -> None:
    held = yaml.safe_load((project / f"{VAULT}.example").read_text().replace("CHANGE_ME", "real"))
    held["secrets"].pop("REDIS_URL")
    held["secrets"] |= {"OLD": "hunter22", "SENTRY_DSN": 22}
    (project / VAULT).write_text(yaml.safe_dump(held))
    status, said = secrets(project, "check")
    assert status == 20
    assert "hunter22" not in said
    assert [line.partition(": `")[0] for line in said.splitlines()] == [
        "REFUSED: nothing was changed",
        "  staging/group_vars/staging/vault.yml: is not encrypted",
        "  secrets.REDIS_URL is missing, for api, worker",
        "  secrets.SENTRY_DSN is no text: put it into quotes, `make secrets ENV=staging`",
    ]
    status, said = secrets(project, "init")
    assert status == 20 and "is not encrypted: `ansible-vault encrypt --encrypt-vault-id" in said


@pytest.mark.promise("S5")
def test_a_vault_gets_another_password_and_a_run_that_was_cut_off_is_finished(
    project: Path,
) -> None:
    secrets(project, "init")
    other = project / "inventories/staging/group_vars/staging/more.yml"
    password = project / ".vault/staging"
    other.write_text("more: word\n")
    encrypted = run(
        project, "ansible-vault", "encrypt", "--encrypt-vault-id", "staging", str(other)
    )
    assert encrypted.returncode == 0, encrypted.stdout
    held, old = opened(project), password.read_text()
    first, plain = (project / VAULT).read_bytes(), other.read_bytes()

    status, said = secrets(project, "rekey")
    assert status == 0, said
    assert password.read_text() != old and password.stat().st_mode & 0o777 == 0o600
    assert opened(project) == held
    new = password.read_text()

    # As if it had been killed when one of the files was written.
    other.write_bytes(plain)
    password.rename(project / ".vault/staging.new")
    password.write_text(old)
    password.chmod(0o600)
    refused = run(project, "ansible-playbook", "deploy.yml", "-i", "staging")
    assert (
        "is being given another password: `ansible-playbook secrets.yml -i staging -e do=rekey`"
        in (" ".join(refused.stdout.split()))
    )
    status, said = secrets(project, "rekey")
    assert status == 0, said
    assert password.read_text() == new and not (project / ".vault/staging.new").exists()
    assert opened(project) == held
    assert run(project, "ansible-vault", "view", str(other)).stdout == "more: word\n"
    assert first != (project / VAULT).read_bytes()


@pytest.mark.promise("S5")
def test_a_password_from_elsewhere_is_changed_there(project: Path) -> None:
    secrets(project, "init")
    word = (project / ".vault/staging").read_text().strip()
    before = (project / VAULT).read_bytes()
    done = run(
        project, "ansible-playbook", "secrets.yml", "-i", "staging", "-e", "do=rekey",
        DELIGHT_VAULT_PASSWORD_STAGING=word,
    )  # fmt: skip
    assert done.returncode == 20
    assert "comes from $DELIGHT_VAULT_PASSWORD_STAGING" in done.stdout
    assert word not in done.stdout
    assert (project / VAULT).read_bytes() == before


@pytest.mark.promise("S6", "S3")
def test_a_secret_gets_another_value_and_the_old_one_may_be_given_up(project: Path) -> None:
    secrets(project, "init")
    fill_in(project)
    was = opened(project)
    status, said = secrets(
        project, "rotate", "-e", "secret=postgres_password", "-e", "compromised=true"
    )
    assert status == 0, said
    assert said.splitlines() == [
        "WRITTEN: staging/group_vars/staging/vault.yml",
        "  postgres_password: another value",
        "  postgres_user: another value",
        "  secrets.DATABASE_URL: changed by that, for api, worker",
        "Next: ansible-playbook provision.yml -i staging --tags backing",
        "Next: ansible-playbook deploy.yml -i staging",
        "Next: ansible-playbook secrets.yml -i staging -e do=end -e secret=postgres_password",
        "Next: ansible-playbook provision.yml -i staging --tags backing",
    ]
    held = opened(project)
    assert held["postgres_before"] == {"user": "delight", "password": was["postgres_password"]}
    url = f"postgresql+asyncpg://delight:{was['postgres_password']}@192.0.2.11:5432/delight"
    digest = secret_digest(was["release_hmac_key"], "DATABASE_URL", url)
    assert held["compromised_secrets"] == {"DATABASE_URL": [digest]}

    status, said = secrets(project, "end", "-e", "secret=postgres_password")
    assert (status, "postgres_before: gone" in said) == (0, True)
    assert "postgres_before" not in opened(project)

    status, said = secrets(project, "rotate", "-e", "secret=CLERK_SECRET_KEY")
    assert status == 20
    assert "secrets.CLERK_SECRET_KEY comes from somebody else: -e value_from=FILE" in said
    (project / "new").write_text("sk_test_new\n")
    given = ["-e", "secret=CLERK_SECRET_KEY", "-e", "value_from=new"]
    assert secrets(project, "rotate", *given, "--check")[1].startswith("WOULD WRITE: ")
    status, said = secrets(project, "rotate", *given)
    assert status == 0, said
    assert opened(project)["secrets"]["CLERK_SECRET_KEY"] == "sk_test_new"
    assert "compromised_secrets" in opened(project), "what was given up stays so"


@pytest.mark.promise("S5")
def test_sops_keeps_the_secrets_as_well(project: Path, tmp_path: Path) -> None:
    """The real sops, with an SSH key, as a team has them."""
    kept = (project / VAULT).with_name("vault.sops.yml")
    kept.write_text((project / f"{VAULT}.example").read_text().replace("CHANGE_ME", "real"))
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    access = {"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(key)}
    recipient = key.with_suffix(".pub").read_text()
    done = run(project, "sops", "encrypt", "--age", recipient, "--in-place", str(kept))
    assert done.returncode == 0, done.stdout
    assert "real" not in kept.read_text()

    looked = run(project, "ansible-playbook", "secrets.yml", "-i", "staging", **access)
    assert looked.returncode == 0, looked.stdout
    assert "COMPLETE: staging has the 12 secrets that it needs" in looked.stdout
    edited = run(project, str(project / "bin/secrets"), "staging", EDITOR="true", **access)
    assert edited.returncode == 0, edited.stdout
    valid = run(project, "ansible-playbook", "validate.yml", "-i", "staging", **access)
    assert "secrets.SENTRY_DSN: must" in valid.stdout, "it was held against its schema"
    made = run(
        project, "ansible-playbook", "secrets.yml", "-i", "staging", "-e", "do=init", **access
    )
    assert "vault.sops.yml is kept by sops: `sops edit" in made.stdout

    locked = run(project, "ansible-playbook", "deploy.yml", "-i", "staging")
    assert locked.returncode != 0
    assert "no master key was able to decrypt the file" in " ".join(locked.stdout.split())


@pytest.mark.promise("S5")
def test_an_external_store_gives_secrets_by_a_lookup(project: Path) -> None:
    """What a lookup gives is a value: marks of templates in it are left alone."""
    example = project / f"{VAULT}.example"
    held = yaml.safe_load(example.read_text().replace("CHANGE_ME", "real"))
    example.unlink()
    names = held["secrets"]
    held["secrets"] = {
        name: f"{{{{ lookup('ansible.builtin.pipe', 'store {name}') }}}}"
        for name in [*names, "OLD"]
    }
    (project / VAULT).with_name("store.yml").write_text(yaml.safe_dump(held))
    store = project / "bin/store"
    store.write_text("#!/bin/sh\nprintf 'https://hunter{{22@%s.example.com/1' \"$1\"\n")
    store.chmod(0o755)
    path = {"PATH": f"{store.parent}:{os.environ['PATH']}"}
    looked = run(project, "ansible-playbook", "secrets.yml", "-i", "staging", **path)
    assert looked.returncode == 0, looked.stdout
    assert "  secrets.OLD: nothing needs it" in looked.stdout.splitlines()
    made = run(project, "ansible-playbook", "secrets.yml", "-i", "staging", "-e", "do=init", **path)
    assert "UNCHANGED: staging has a place for all that it needs" in made.stdout
    assert not (project / VAULT).exists(), "what the store gives is not asked for"
    valid = run(project, "ansible-playbook", "validate.yml", "-i", "staging", "-vvv", **path)
    assert valid.returncode == 20
    wrong = set(re.findall(r"^  (secrets\.\w+): ", valid.stdout, re.MULTILINE))
    assert wrong == {f"secrets.{name}" for name in names if name != "SENTRY_DSN"}
    assert "hunter" not in valid.stdout
