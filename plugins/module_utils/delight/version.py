"""The version of the working copy: the git commit, marked when the tree is dirty."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

COMMIT_LENGTH = 12
GIT_S = 60  # a folder on a network that has gone must not hold up a run


class NoVersion(Exception):
    """The folder is no git checkout with a commit."""


def source_version(root: Path) -> str:
    """`1a2b3c4d5e6f`, or `1a2b3c4d5e6f-dirty-9f8e7d6c`: two different dirty trees differ."""
    commit = _git(root, "rev-parse", f"--short={COMMIT_LENGTH}", "HEAD").decode().strip()
    status = _git(root, "status", "--porcelain=v1", "-z", "--untracked-files=all")
    if not status:
        return commit
    body = hashlib.sha256(status + _git(root, "diff", "HEAD", "--binary"))
    others = _git(root, "ls-files", "-z", "--others", "--exclude-standard")
    for name in sorted(filter(None, others.split(b"\0"))):
        body.update(name + b"\0")
        body.update(content(root / name.decode()))
    return f"{commit}-dirty-{body.hexdigest()[:8]}"


def content(path: Path) -> bytes:
    """What tells two versions of an untracked path apart; a nested repository counts by its name."""
    if path.is_symlink():
        return str(path.readlink()).encode()
    return path.read_bytes() if path.is_file() else b""


def _git(root: Path, *words: str) -> bytes:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, check=True, timeout=GIT_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoVersion(
            f"{root} has no git commit to name the version by; give one with -e version=<tag>"
        ) from error
    return done.stdout
