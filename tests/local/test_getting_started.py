"""The page for newcomers, typed line by line on `local`; what it shows is what is printed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lab.inventory import Fleet
from tests.support.checkout import ROOT, copy_sources, link
from tests.support.git import commit_all, git
from tests.support.pages import follow

PAGE = ROOT / "docs/getting-started.md"
LINE_S = 900
# What `make local` and `make install` made: a newcomer's clone would make the same.
MADE = (
    *(".venv", ".cache", ".lab", ".vault"),
    *("inventories/local/known_hosts", "inventories/local/group_vars/local/vault.yml"),
)


@pytest.fixture
def clone(local: Fleet, tmp_path: Path) -> Path:
    """A copy of the sources with one commit, whose `local` is that of the working copy."""
    folder = copy_sources(tmp_path / "app")
    link(folder, *MADE)
    commit_all(folder)
    for name in ("user.name", "user.email"):
        git(folder, "config", name, "newcomer@example.com")
    return folder


@pytest.mark.promise("W1")
def test_what_the_page_says_happens(clone: Path) -> None:
    environment = os.environ | {"PATH": f"{clone}/.venv/bin:{os.environ['PATH']}"}

    def typing(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line], cwd=clone, env=environment, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=LINE_S,
        )  # fmt: skip

    follow(PAGE, typing)
