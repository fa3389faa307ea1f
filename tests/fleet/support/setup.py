"""Making the stories' hosts: what a user does by hand, once; what is so already is left alone.

`python -m tests.fleet.support.setup` does it ahead of the stories.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from lab import inventory, paths, provisioning
from tests.fleet.support import versions
from tests.fleet.support.hosts import BIN, INVENTORY, SOLO
from tests.fleet.support.playing import ROOT

REGISTRY = "10.78.0.13:5000"
COMMAND_S = 600


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
    fleet = inventory.load(INVENTORY)
    wanted = provisioning.stamp(fleet, [SOLO], " ".join(versions.build().values()))
    if provisioning.done(fleet, wanted):
        return
    provision()
    versions.push(REGISTRY, vault()["registry_password"])
    provisioning.leave(fleet, wanted)


def provision(*args: str) -> None:
    """Provision both fleets in one run, as two inventories of one user."""
    inventories = ("-i", str(INVENTORY), "-i", str(SOLO))
    run(str(BIN / "ansible-playbook"), "provision.yml", *inventories, *args)


@contextmanager
def unprovisioned() -> Iterator[None]:
    """For a story that changes what was provisioned: left half done, it is provisioned before the next one."""
    file = provisioning.stamp_file(inventory.load(INVENTORY))
    stamp = file.read_text()
    file.unlink()
    yield
    file.write_text(stamp)


def vault() -> dict[str, Any]:
    """The secrets that the lab made for the stories."""
    file = next(INVENTORY.glob("group_vars/*/vault.yml"))
    found: dict[str, Any] = yaml.safe_load(run(str(BIN / "ansible-vault"), "view", str(file)))
    return found


if __name__ == "__main__":
    ensure()
    print("the stories' hosts are provisioned, and the registry holds every version")
