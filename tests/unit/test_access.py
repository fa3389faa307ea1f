"""`.ci/access`: a job's secrets become files that only it may read, and go again."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / ".ci/access"
WORD = "planted-vault-word"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the script and one environment."""
    (tmp_path / ".ci").mkdir()
    shutil.copy2(SOURCE, tmp_path / ".ci/access")
    (tmp_path / "inventories/staging").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def key(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An SSH key without a passphrase."""
    return make_key(tmp_path_factory.mktemp("key") / "id", passphrase="")


def make_key(file: Path, passphrase: str) -> str:
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(file)]
    subprocess.run(argv, check=True, timeout=30)
    return file.read_text()


def access(checkout: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it with nothing but these variables."""
    return subprocess.run(
        [checkout / ".ci/access", *words], text=True, check=False, timeout=30,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PATH": "/usr/bin:/bin", **variables},
    )  # fmt: skip


@pytest.mark.parametrize("spoilt", [str, str.strip, lambda key: key.replace("\n", "\r\n")])
def test_secrets_become_files_and_go(checkout: Path, key: str, spoilt: type[str]) -> None:
    later = checkout / "env"
    done = access(
        checkout, "staging", VAULT_PASSWORD=WORD, SSH_PRIVATE_KEY=spoilt(key), GITHUB_ENV=str(later)
    )
    assert (done.returncode, done.stdout) == (0, "")
    password, private = checkout / ".vault/staging", checkout / ".vault/staging.key"
    assert password.read_text() == f"{WORD}\n"
    assert private.read_text().rstrip() == key.rstrip()
    assert {file.stat().st_mode & 0o777 for file in (password, private)} == {0o600}
    assert later.read_text() == f"ANSIBLE_PRIVATE_KEY_FILE={private}\n"
    assert access(checkout, "--remove", "staging").returncode == 0
    assert not list((checkout / ".vault").iterdir())


def test_what_is_missing_is_named(checkout: Path, key: str) -> None:
    done = access(checkout, "staging", SSH_PRIVATE_KEY=key)
    assert done.returncode == 1
    assert "VAULT_PASSWORD is not set: GitHub → Settings → Environments → staging" in done.stdout
    assert access(checkout, "elsewhere").stdout == "access: there is no inventories/elsewhere\n"
    assert access(checkout, "../staging").returncode == 2


def test_a_key_that_cannot_be_used_is_refused(checkout: Path, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", passphrase="planted-passphrase")
    for wrong in ("no key", locked):
        done = access(checkout, "staging", VAULT_PASSWORD=WORD, SSH_PRIVATE_KEY=wrong)
        assert done.returncode == 1
        assert "is no private key, or has a passphrase" in done.stdout
        assert not list((checkout / ".vault").iterdir()), "nothing is left behind"
