"""What a user types into an editor to make hosts staging, and the checkout where that is done."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab import paths
from lab.inventory import Fleet
from tests.support.checkout import ROOT
from tests.support.git import git

BOUND_S = 900
# The addresses in the documentation, in the order of the hosts in staging's inventory.
WRITTEN = ("192.0.2.11", "192.0.2.12", "192.0.2.13")


@dataclass(frozen=True)
class Staging:
    """A checkout with `origin`, a bare repository beside it; `hosts` are the machines."""

    folder: Path
    origin: Path
    hosts: Fleet

    @property
    def addresses(self) -> list[str]:
        """Of app1, app2 and data1."""
        return [str(host.address) for host in self.hosts.hosts]

    @property
    def url(self) -> str:
        """Where users reach it: the balancer."""
        return f"http://{self.addresses[-1]}"

    @property
    def key(self) -> Path:
        """The private key that all hosts know."""
        return paths.env_dir(self.hosts.env) / "id_ed25519"

    @property
    def password(self) -> str:
        """The password of its vault."""
        return (self.folder / ".vault/staging").read_text().strip()

    def environment(self) -> dict[str, str]:
        """The shell of a user: the project's commands, an SSH key, an editor that fills things in."""
        return os.environ | {
            "PATH": f"{self.folder}/.venv/bin:{os.environ['PATH']}",
            "ANSIBLE_PRIVATE_KEY_FILE": str(self.key),
            "DOCKER_CONFIG": str(paths.DOCKER_CONFIG),
            "EDITOR": f"python -m tests.local.editor {ROOT}",
        }

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a line of the documentation as it was typed there, with the hosts' real addresses."""
        for written, real in zip(WRITTEN, self.addresses, strict=True):
            line = line.replace(written, real)
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", line], cwd=self.folder, env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False, timeout=BOUND_S,
        )  # fmt: skip

    def push(self, message: str, branch: str = "develop") -> None:
        """Commit all and push it."""
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message", message)
        git(self.folder, "push", "--quiet", "--force", "origin", f"HEAD:{branch}")
