"""Making the stories' hosts: what a user does by hand, once a session."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.fleet.support.fleet import BIN, ROOT


def run(*argv: str) -> str:
    """Run a command in the project's root; its output is the error when it fails."""
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(argv)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def provision(*inventories: Path) -> None:
    """Boot the hosts of the first inventory, then provision those of all."""
    lab = (sys.executable, "-m", "lab")
    run(*lab, "secrets", str(inventories[0]))
    run(*lab, "up", str(inventories[0]))
    for inventory in inventories:
        run(str(BIN / "ansible-playbook"), "provision.yml", "-i", str(inventory))


def vault(inventory: Path) -> dict[str, Any]:
    """The secrets that the lab made for an environment."""
    file = next(inventory.glob("group_vars/*/vault.yml"))
    found: dict[str, Any] = yaml.safe_load(run(str(BIN / "ansible-vault"), "view", str(file)))
    return found
