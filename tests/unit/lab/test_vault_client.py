"""Where vault passwords are looked for, and when their absence is said."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with the client in it and a vault for `staging`."""
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "bin/vault-client", tmp_path / "bin/vault-client")
    vault = tmp_path / "inventories/staging/group_vars/staging/vault.yml"
    vault.parent.mkdir(parents=True)
    vault.write_text("$ANSIBLE_VAULT;1.2;AES256;staging\n")
    return tmp_path


def ask(
    project: Path, identity: str, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Call the client from a parent process whose command line ends with `words`."""
    script = 'bin/vault-client --vault-id "$0"; exit $?'
    return subprocess.run(
        ["sh", "-c", script, identity, *words],
        cwd=project,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def unused(project: Path, identity: str) -> subprocess.CompletedProcess[str]:
    """Call the client from a parent process that does not name the environment."""
    asked = ["bin/vault-client", "--vault-id", identity]
    return subprocess.run(
        asked,
        cwd=project,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.promise("S5")
def test_the_environment_wins_over_the_file(project: Path) -> None:
    held(project, "from file\n", 0o600)
    assert ask(project, "staging").stdout == "from file\n"
    given = ask(project, "staging", DELIGHT_VAULT_PASSWORD_STAGING="from env")
    assert given.stdout == "from env\n"


def held(project: Path, text: str, mode: int) -> None:
    """Write the file that holds the password of staging, or prints it."""
    file = project / ".vault/staging"
    file.parent.mkdir()
    file.write_text(text)
    file.chmod(mode)


@pytest.mark.promise("S5")
def test_a_command_gives_the_password(project: Path) -> None:
    held(project, "#!/bin/sh\necho from a command\n", 0o700)
    assert ask(project, "staging").stdout == "from a command\n"


@pytest.mark.promise("S5")
@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (
            "#!/bin/sh\necho half; exit 1\n",
            0o700,
            "the command .vault/staging for the vault password of",
        ),
        ("from file\n", 0o640, "chmod 600 .vault/staging"),
    ],
)
def test_a_command_that_fails_and_a_file_that_others_read_are_refused(
    project: Path, text: str, mode: int, said: str
) -> None:
    held(project, text, mode)
    done = ask(project, "staging")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_dash_in_an_id_is_an_underscore_in_the_variable(project: Path) -> None:
    assert ask(project, "pre-view", DELIGHT_VAULT_PASSWORD_PRE_VIEW="x").stdout == "x\n"


@pytest.mark.promise("S5")
def test_an_environment_in_use_says_where_its_password_belongs(project: Path) -> None:
    done = ask(project, "staging", "-i", "staging/")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "no vault password for staging: set DELIGHT_VAULT_PASSWORD_STAGING, or write it to"
        " .vault/staging\n"
    )


def test_an_environment_not_in_use_is_silent_and_gets_what_matches_nothing(project: Path) -> None:
    first, second = unused(project, "staging"), unused(project, "staging")
    assert (first.returncode, first.stderr) == (0, "")
    assert len(first.stdout) == 64 and first.stdout != second.stdout


def test_without_a_vault_there_is_nothing_to_warn_of(project: Path) -> None:
    done = ask(project, "production", "-i", "production")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.promise("S5")
def test_nothing_is_encrypted_with_a_password_that_nobody_knows(project: Path) -> None:
    done = ask(project, "production", "ansible-vault", "encrypt", "--encrypt-vault-id=production")
    assert (done.returncode, done.stdout) == (2, "")


def test_an_id_that_is_no_word_is_refused(project: Path) -> None:
    assert ask(project, "a;id").returncode == 2
