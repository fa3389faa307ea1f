"""What refuses secrets in plaintext: the hook before a commit, and the scan of the whole history."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.support.certificates import self_signed
from tests.support.checkout import ROOT, link
from tests.support.git import commit_all, git

USED = [".pre-commit-config.yaml", ".gitignore", ".config/kingfisher.toml", "bin/scan"]
BIN = Path(sys.executable).parent
OTHER_HOOKS = "black,ruff,yamllint,generated"
HEADER = "$ANSIBLE_VAULT;1.2;AES256;staging\n"


def token(name: str, length: int = 40) -> str:
    """Characters as random as a secret's, the same in every run; the test's own text has none."""
    return urlsafe_b64encode(hashlib.sha512(name.encode()).digest()).decode()[:length]


class Refused(NamedTuple):
    """A file that must not be committed: what nobody may print of it, and what is said."""

    content: str
    secret: str
    said: str


def private_keys() -> dict[str, Refused]:
    """One of each kind of PEM."""
    pem, plain = forms.Encoding.PEM, forms.NoEncryption()
    kinds = forms.PrivateFormat
    large, curve, small = (
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
    )
    texts = {
        "rsa.pem": large.private_bytes(pem, kinds.TraditionalOpenSSL, plain),
        "ec.pem": curve.private_bytes(pem, kinds.TraditionalOpenSSL, plain),
        "pkcs8.pem": small.private_bytes(pem, kinds.PKCS8, plain),
        "locked.pem": small.private_bytes(pem, kinds.PKCS8, forms.BestAvailableEncryption(b"word")),
        "deploy": small.private_bytes(pem, kinds.OpenSSH, plain),
    }
    return {
        name: Refused(text.decode(), text.decode().splitlines()[1], "Private Key")
        for name, text in texts.items()
    }


def refused() -> dict[str, Refused]:
    """{path: file} of everything that must not be committed."""
    named, alone = "a random value with the name of a secret", "a string as random as a key"
    vault = "ansible-vault encrypt --encrypt-vault-id <environment> <file>"
    sops, env_file, key = (
        "sops encrypt --in-place <file>",
        "git rm --cached <file>",
        "a private key",
    )
    word = "hunter2"  # what stands in these is refused whatever it is
    return private_keys() | {
        "app.py": Refused(f'API_TOKEN = "{token("py")}"\n', token("py"), named),
        "main.yml": Refused(f'db:\n  password: "{token("yml", 20)}"\n', token("yml", 20), named),
        "key.json": Refused(f'{{"apiKey": "{token("js", 20)}"}}\n', token("js", 20), named),
        "tests/a.py": Refused(f'login("{token("alone")}")\n', token("alone"), alone),
        "tests/b.py": Refused(
            f'URL = "postgres://app:{token("url", 16)}@db.internal/app"\n',
            token("url", 16),
            "password embedded in a service connection URI",
        ),
        "group_vars/staging/vault.yml": Refused(f"secret: {word}\n", word, vault),
        "group_vars/staging/vault.yml.bak": Refused(f"secret: {word}\n", word, vault),
        "host_vars/a.vault.yaml": Refused(f"# {HEADER}secret: {word}\n", word, vault),
        "host_vars/b/vault.yml": Refused(f"\n{HEADER}secret: {word}\n", word, vault),
        "plain.sops.yml": Refused(f"secret: {word}\n", word, sops),
        ".env": Refused(f"SECRET={word}\n", word, env_file),
        "backend/.env.production": Refused(f"SECRET={word}\n", word, env_file),
        "id_ed25519": Refused(word, word, key),
        "tls/server.key": Refused(word, word, key),
        ".vault/staging": Refused(word, word, "the password or the plaintext of a vault"),
        "staging.dec.yml": Refused(f"secret: {word}\n", word, "the password or the plaintext"),
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with our hooks and one commit, as somebody has it whose git has no settings."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    monkeypatch.setenv("KF_RULE_CACHE_DIR", str(ROOT / ".cache/kingfisher"))  # seconds to make
    monkeypatch.setenv("SKIP", OTHER_HOOKS)
    folder = tmp_path / "project"
    for name in USED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    git(folder, "init", "--quiet")
    link(folder, ".venv")
    commit_all(folder)
    assert run(folder, str(BIN / "pre-commit"), "install").returncode == 0
    return folder


def run(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command; errors are in the output."""
    return subprocess.run(
        argv, cwd=folder, text=True, check=False, timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files and stage them, those that git ignores as well."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    git(folder, "add", "--force", "--", *files)


def commit(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Commit what is staged."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    return run(folder, "git", *identity, "commit", "--message", "More", *options)


def scan(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it with the interpreter that the hook has."""
    return run(folder, ".venv/bin/python", "bin/scan", *words)


def assert_told(said: str, files: dict[str, Refused], where: str = "") -> None:
    """Each file is named with the way out, and nothing of what it holds is printed."""
    for name, file in files.items():
        lines = [line for line in said.splitlines() if line.startswith((f"{name}:", f"{name} in "))]
        assert len(lines) == 1, f"{name}: {said}"
        assert file.said in lines[0]
        assert where in lines[0]
        assert file.secret not in said, name


@pytest.mark.promise("S8")
def test_a_commit_with_a_secret_is_refused(project: Path) -> None:
    files = refused()
    write(project, {name: file.content for name, file in files.items()})
    done = commit(project)
    assert done.returncode == 1, done.stdout
    assert_told(done.stdout, files)
    assert "`kingfisher:ignore` in a comment" in done.stdout
    assert git(project, "rev-list", "--count", "HEAD") == "1\n"


@pytest.mark.promise("S8")
def test_what_is_encrypted_public_or_an_example_is_committed(project: Path, tmp_path: Path) -> None:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    openssh = public.public_bytes(forms.Encoding.OpenSSH, forms.PublicFormat.OpenSSH).decode()
    digest = hashlib.sha256(b"image").hexdigest()
    write(project, {
        "group_vars/staging/vault.yml": HEADER + f"{digest}\n" * 4,
        "group_vars/staging/vault.yml.example": "vault:\n  TOKEN: CHANGE_ME\n",
        "group_vars/staging/a.sops.yml": "# planted\npassword: hunter2\nempty: ''\nlist: [a, {b: c}]\n",
        "backend/.env.example": "SECRET_KEY=\nDATABASE_URL=postgres://user:password@localhost/db\n",
        "id_ed25519.pub": f"{openssh} me@example.com\n",
        "certificate.pem": self_signed(tmp_path).certificate.read_text(),
        "release.py": f'IMAGE = "app@sha256:{digest}"\npassword = settings.database_password\n',
        "tests/test_a.py": f'TOKEN = "{token("known")}"  # kingfisher:ignore: made up\n',
    })  # fmt: skip
    sops = [str(BIN / "sops"), "encrypt", "--age", openssh, "--in-place"]
    kept = project / "group_vars/staging/a.sops.yml"
    assert run(project, *sops, str(kept)).returncode == 0
    git(project, "add", str(kept))
    done = commit(project)
    assert done.returncode == 0, done.stdout

    kept.write_text(f"added: hunter2\n{kept.read_text()}")  # by hand, past sops
    git(project, "add", str(kept))
    done = commit(project)
    assert done.returncode == 1
    assert "a.sops.yml: not encrypted by sops" in done.stdout


@pytest.mark.promise("S8")
def test_the_history_gives_up_what_was_committed_and_deleted(project: Path, tmp_path: Path) -> None:
    clean = scan(project, "--history")
    assert (clean.returncode, clean.stdout) == (0, "")
    files = refused()
    git(project, "checkout", "--quiet", "-b", "other")
    write(project, {name: file.content for name, file in files.items()})
    assert commit(project, "--no-verify").returncode == 0
    where = f" in commit {git(project, 'rev-parse', 'HEAD')[:10]}:"
    git(project, "rm", "--quiet", "--", *files)
    assert commit(project, "--no-verify").returncode == 0
    git(project, "checkout", "--quiet", "-")

    done = scan(project, "--history")
    assert done.returncode == 1
    assert_told(done.stdout, files, where)

    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", project.as_uri(), str(shallow))
    link(shallow, ".venv")
    done = scan(shallow, "--history")
    assert done.returncode == 0, "what was deleted is not in the one commit that is there"
    assert "git fetch --unshallow" in done.stdout


@pytest.mark.promise("S8")
def test_a_scan_that_has_not_read_all_fails(project: Path) -> None:
    (project / ".config/kingfisher.toml").write_text("[[rules]]\nid = 'half'\n")
    assert scan(project, "bin/scan").returncode == 1
    assert scan(project, "--history").returncode == 1

    (project / ".venv").unlink()
    broken = project / ".venv/bin/kingfisher"
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\necho an input could not be read >&2\n")
    broken.chmod(0o755)
    done = run(project, sys.executable, "bin/scan", "bin/scan")
    assert (done.returncode, "could not be read" in done.stdout) == (1, True)


@pytest.mark.promise("S8")
def test_git_ignores_them(project: Path) -> None:
    others = {".vault/staging"} | {"backend/.env.local", ".vault.yml.swp", "vault.yml~", "id_rsa"}
    by_name = {
        name for name in refused() if name.startswith(".env") or name.endswith((".key", ".bak"))
    }
    ignored = run(project, "git", "check-ignore", *others, *by_name, ".env.example", "id_rsa.pub")
    assert set(ignored.stdout.split()) == others | by_name
    assert not git(ROOT, "ls-files", "--ignored", "--cached", "--exclude-standard")


@pytest.mark.promise("S8")
@pytest.mark.parametrize("workflow, job", [("ci", "checks"), ("nightly", "everything")])
def test_ci_has_the_whole_history(workflow: str, job: str) -> None:
    jobs = yaml.safe_load((ROOT / f".github/workflows/{workflow}.yml").read_text())["jobs"]
    [checkout] = [step for step in jobs[job]["steps"] if "checkout" in step.get("uses", "")]
    assert checkout["with"]["fetch-depth"] == 0
