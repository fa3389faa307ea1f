"""Making the stories' hosts: what a user does by hand, once; what is so already is left alone.

`python -m tests.fleet.support.setup` does it ahead of the stories.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lab import paths
from tests.fleet.support import versions
from tests.fleet.support.hosts import BIN, INVENTORY, SOLO
from tests.fleet.support.playing import ROOT

REGISTRY = "10.78.0.13:5000"
COMMAND_S = 600
# What the provisioned state of a host is made from, beside the host itself.
SOURCES = ("ansible.cfg", "compose", "group_vars", "playbooks", "plugins/filter", "plugins/modules",
           "roles", "tests/fleet/inventory", "tests/fleet/solo")  # fmt: skip
STAMP = paths.LAB / "fleet/provisioned"


def run(*argv: str) -> str:
    """Run a command in the project's root; its output is the error when it fails."""
    done = subprocess.run(
        argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=COMMAND_S
    )
    assert done.returncode == 0, f"{' '.join(argv)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def ensure() -> None:
    """Hosts that run, are provisioned by this tree, and a registry that holds every version."""
    os.environ["ANSIBLE_VAULT_IDENTITY_LIST"] = "fleet@bin/vault-client"
    os.environ["DOCKER_CONFIG"] = str(paths.DOCKER_CONFIG)
    lab = (sys.executable, "-m", "lab")
    run(*lab, "secrets", str(INVENTORY))
    run(*lab, "up", str(INVENTORY))
    wanted = stamp()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    provision()
    versions.push(REGISTRY, vault()["registry_password"])
    STAMP.write_text(wanted)


def provision(*args: str) -> None:
    """Provision both fleets in one run, as two inventories of one user."""
    inventories = ("-i", str(INVENTORY), "-i", str(SOLO))
    run(str(BIN / "ansible-playbook"), "provision.yml", *inventories, *args)


def stamp() -> str:
    """What the hosts were made of: their containers, this tree, and the versions to be pushed."""
    names = [f"delight-fleet-{name}" for name in ("app1", "app2", "solo", "data1")]
    digest = hashlib.sha256(run("docker", "inspect", "--format={{.Id}}", *names).encode())
    for file in sorted(_files(ROOT / source for source in SOURCES)):
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    digest.update(" ".join(versions.build().values()).encode())
    return digest.hexdigest()


def _files(folders: Iterable[Path]) -> Iterable[Path]:
    for folder in folders:
        found = folder.rglob("*") if folder.is_dir() else [folder]
        yield from (f for f in found if f.is_file() and f.suffix not in (".pyc", ".md"))


def vault() -> dict[str, Any]:
    """The secrets that the lab made for the stories."""
    file = next(INVENTORY.glob("group_vars/*/vault.yml"))
    found: dict[str, Any] = yaml.safe_load(run(str(BIN / "ansible-vault"), "view", str(file)))
    return found


if __name__ == "__main__":
    ensure()
    print("the stories' hosts are provisioned, and the registry holds every version")
