"""The hosts of `make local`, and checkouts of users who work on them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from lab import inventory
from lab.inventory import Fleet
from tests.local.staging import Staging
from tests.support.checkout import ROOT, copy_sources, link
from tests.support.git import commit_all, git

LOCAL_S = 900


@pytest.fixture(scope="session")
def local() -> Fleet:
    """Three hosts, up and provisioned."""
    subprocess.run(["make", "local"], cwd=ROOT, check=True, timeout=LOCAL_S)
    return inventory.load(ROOT / "inventories/local")


@pytest.fixture(scope="module")
def staging(local: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """A user's checkout, in which those hosts are to be staging: nothing is filled in yet."""
    folder = copy_sources(tmp_path_factory.mktemp("work") / "app")
    link(folder, ".venv")
    commit_all(folder)
    git(folder, "branch", "--move", "develop")
    origin = folder.parent / "origin.git"
    git(folder, "init", "--quiet", "--bare", str(origin))
    git(folder, "remote", "add", "origin", str(origin))
    yield Staging(folder, origin, local)
