"""The encrypted files of an environment, and the password that opens them.

A vault password stands in `.vault/<id>` beside ansible.cfg, or where else bin/vault-client finds it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret

from delight.errors import ConfigError
from delight.host import files

PROJECT = Path(__file__).resolve().parents[3]
HEADER = b"$ANSIBLE_VAULT;"


def identity(path: Path) -> str | None:
    """The vault id in a file's header ("default" without one), None for a plain file."""
    with path.open("rb") as file:
        header = file.readline()
    if not header.startswith(HEADER):
        return None
    fields = header.decode("ascii", "replace").strip().split(";")
    return fields[3] if len(fields) > 3 else "default"


def variables_of(environment: Path) -> Iterator[Path]:
    """The files of variables of an environment."""
    for path in sorted(environment.glob("*_vars/**/*")):
        if path.is_file() and not path.name.startswith("."):
            yield path


def encrypted(environment: Path, name: str) -> list[Path]:
    """The files of an environment that its vault password opens."""
    return [path for path in variables_of(environment) if identity(path) == name]


def with_values_encrypted_alone(environment: Path) -> list[Path]:
    """The plain files of an environment that have values with a vault of their own, `!vault`."""
    plain = [path for path in variables_of(environment) if identity(path) is None]
    return [path for path in plain if b"!vault" in path.read_bytes()]


def kept_by_sops(environment: Path) -> list[Path]:
    """The files of an environment that sops encrypts."""
    return [path for path in variables_of(environment) if re.search(r"\.sops\.ya?ml$", path.name)]


def read(path: Path, known: Any) -> str:
    """The text of an encrypted file; `known` is [(vault id, VaultSecret)]."""
    return _decrypted(path, known)[0].decode()


def opening(path: Path, known: Any) -> bytes:
    """The password that opens a file."""
    found: bytes = _decrypted(path, known)[1].bytes
    return found


def _decrypted(path: Path, known: Any) -> tuple[bytes, Any]:
    try:
        text, _, secret = VaultLib(known).decrypt_and_get_vault_id(path.read_bytes())
    except AnsibleError:
        wrong = f"the password of vault id '{identity(path)}' is missing or wrong"
        raise ConfigError([f"{path} can't be decrypted: {wrong}"]) from None
    return text, secret


def write(path: Path, text: str, name: str, password: bytes) -> None:
    """Encrypt a file with a vault id, all of it or nothing."""
    data: bytes = VaultLib().encrypt(text, secret=VaultSecret(password), vault_id=name)
    seen = path.stat() if path.exists() else None
    owner = (seen.st_uid, seen.st_gid) if seen else (os.geteuid(), os.getegid())
    files.write_atomic(path, data, mode=seen.st_mode & 0o777 if seen else 0o644, owner=owner)


class Password:
    """Where the password of a vault id is."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.file = PROJECT / ".vault" / name
        self.next = self.file.with_name(f"{name}.new")
        self.variable = f"DELIGHT_VAULT_PASSWORD_{name.upper().replace('-', '_')}"

    def elsewhere(self) -> str:
        """What else than a plain file it comes from; empty where it does not."""
        if os.environ.get(self.variable):
            return f"${self.variable}"
        if os.access(self.file, os.X_OK) and self.file.is_file():
            return f"the command .vault/{self.name}"
        return ""

    def known(self) -> bytes | None:
        """The password, None where there is none."""
        if not (self.elsewhere() or self.file.exists()):
            return None
        client = [str(PROJECT / "bin/vault-client"), "--vault-id", self.name]
        done = subprocess.run(client, capture_output=True, check=False)
        if done.returncode:
            raise ConfigError([done.stderr.decode(errors="replace").strip()])
        return done.stdout.strip()

    def begun(self) -> bytes:
        """The password that a run has made and has not brought to its place; empty where none has."""
        return self.next.read_bytes().strip() if self.next.exists() else b""

    def make(self, word: str, path: Path) -> bytes:
        """Write a new password, which only its owner may read."""
        path.parent.mkdir(mode=0o700, exist_ok=True)
        files.write_atomic(path, f"{word}\n".encode(), owner=(os.geteuid(), os.getegid()))
        return word.encode()
