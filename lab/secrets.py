"""The generated secrets of a lab environment: vault password, vault.yml, certificates.

Only an environment whose group names `lab_registry` gets them. Nothing that is there is
made again: the vault is the user's to edit.
"""

import os
import secrets
import sys
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path

import yaml

from lab import paths, shell
from lab.errors import LabError
from lab.inventory import Fleet
from lab.keys import write_if_changed

# The controller makes certificates too, by the same code.
sys.path.append(str(paths.ROOT / "plugins/module_utils"))
from delight import certificates

TRUST = Path("/etc/docker/certs.d")
HEADER = """\
# Secrets of this environment, made by the lab. Edit: ansible-vault edit {vault}
---
"""


def vault_file(fleet: Fleet) -> Path:
    """Where Ansible looks for the environment's secrets."""
    return fleet.directory / "group_vars" / fleet.env / "vault.yml"


def password_file(env: str) -> Path:
    """Where bin/vault-client looks for the vault's password."""
    return paths.ROOT / ".vault" / env


def document(
    backing: IPv4Address, server: certificates.Pair, authority: str, word: Callable[[], str]
) -> dict[str, object]:
    """The vault's content. `word` makes a new random text that needs no quoting in a URL."""
    postgres, redis = word(), word()
    return {
        "secrets": {
            "DATABASE_URL": f"postgresql+asyncpg://delight:{postgres}@{backing}:5432/delight",
            "REDIS_URL": f"redis://:{redis}@{backing}:6379/0",
            "CLERK_SECRET_KEY": f"sk_test_{word()}",
            "CLERK_WEBHOOK_SECRET": f"whsec_{b64encode(word().encode()).decode()}",
        },
        "release_hmac_key": word(),
        "registry_password": word(),
        "postgres_password": postgres,
        "redis_password": redis,
        "registry_ca": authority,
        "registry_tls_certificate": server.certificate,
        "registry_tls_key": server.key,
    }


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines (PEM) as it is read: line by line."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def text(content: dict[str, object], vault: Path) -> str:
    """The vault as a user sees it in `ansible-vault edit`."""
    return HEADER.format(vault=vault) + yaml.dump(content, Dumper=_Dumper, sort_keys=False)


def ensure(fleet: Fleet) -> list[str]:
    """Make what is missing; return what was made."""
    if fleet.registry is None:
        return []
    address = IPv4Address(fleet.registry.partition(":")[0])
    vault, password = vault_file(fleet), password_file(fleet.env)
    made = []
    if vault.exists() and not (password.exists() or _password_in_environment(fleet.env)):
        raise LabError(
            f"{vault} is there but its password is not: put it into {password}, or remove"
            f" {vault} to get new secrets (and `python -m lab clean {fleet.directory}`, as the"
            " old ones are in the databases)"
        )
    if not password.exists() and not _password_in_environment(fleet.env):
        password.parent.mkdir(mode=0o700, exist_ok=True)
        write_if_changed(password, secrets.token_urlsafe(32) + "\n", mode=0o600)
        made.append(str(password.relative_to(paths.ROOT)))
    ca_file = paths.env_dir(fleet.env) / "ca.pem"
    if not vault.exists():
        now = datetime.now(UTC)
        ca = _authority(fleet.env, now)
        pair = certificates.server(ca, str(address), now)
        content = document(address, pair, ca.certificate, lambda: secrets.token_urlsafe(24))
        _encrypt(fleet, text(content, vault.relative_to(paths.ROOT)))
        made.append(str(vault.relative_to(paths.ROOT)))
    elif not ca_file.exists():
        raise LabError(
            f"{ca_file} is missing, which signed the certificates in {vault}: remove the vault to"
            " get new ones"
        )
    return made + _trust(fleet.registry, ca_file.read_text())


def clean(fleet: Fleet) -> list[str]:
    """Remove vault, password, certificates and the entry in the engine's trust store."""
    if fleet.registry is None:
        return []
    env_dir = paths.env_dir(fleet.env)
    removed = []
    trusted, own = TRUST / fleet.registry / "ca.crt", env_dir / "ca.pem"
    if trusted.exists() and own.exists() and trusted.read_text() == own.read_text():
        trusted.unlink()
        removed.append(str(trusted))
        for folder in (trusted.parent, TRUST):
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()
    for path in (vault_file(fleet), password_file(fleet.env), own, env_dir / "ca.key"):
        if path.exists():
            path.unlink()
            removed.append(str(path.relative_to(paths.ROOT)))
    return removed


def _authority(env: str, now: datetime) -> certificates.Pair:
    folder = paths.env_dir(env)
    certificate, key = folder / "ca.pem", folder / "ca.key"
    if certificate.exists() and key.exists():
        return certificates.Pair(certificate.read_text(), key.read_text())
    ca = certificates.authority(f"Delight lab {env}", now)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_if_changed(key, ca.key, mode=0o600)
    write_if_changed(certificate, ca.certificate)
    return ca


def _encrypt(fleet: Fleet, text: str) -> None:
    """Encrypt by Ansible's own command: the same client and header as for a user."""
    target = vault_file(fleet)
    target.parent.mkdir(parents=True, exist_ok=True)
    vault = [str(paths.ROOT / ".venv/bin/ansible-vault"), "encrypt"]
    argv = [*vault, "--encrypt-vault-id", fleet.env, "--output", str(target), "-"]
    shell.run(argv, text.encode(), cwd=paths.ROOT)
    os.chmod(target, 0o600)


def _trust(registry: str, authority: str) -> list[str]:
    """Let this machine's engine trust the registry; it reads the file at each push."""
    target = TRUST / registry / "ca.crt"
    try:
        return [str(target)] if write_if_changed(target, authority) else []
    except PermissionError as error:
        raise LabError(f"can't write {target}: run this as root") from error


def _password_in_environment(env: str) -> bool:
    return bool(os.environ.get(f"DELIGHT_VAULT_PASSWORD_{env.upper().replace('-', '_')}"))
