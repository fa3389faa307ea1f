"""Git checkouts of the tests' own."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(folder: Path, *words: str) -> str:
    """Run git in `folder` as somebody, whatever this machine's settings are; its output."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    command = ["git", "-C", str(folder), *identity, "-c", "commit.gpgsign=false", *words]
    return subprocess.run(command, check=True, text=True, capture_output=True, timeout=60).stdout


def commit_all(folder: Path) -> str:
    """Make `folder` a checkout with one commit of all that is in it; the full commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "All")
    return git(folder, "rev-parse", "HEAD").strip()
