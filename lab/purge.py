"""Remove what all environments share: images, archives, plugins, the engine we started."""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

from lab import hosts, paths, recipes, shell
from lab.errors import LabError

STOP_TIMEOUT = 60  # seconds


def purge() -> list[str]:
    """Remove it all, or refuse while hosts of any environment are there."""
    removed = []
    if shell.succeeds(["docker", "version"]):
        left = shell.run(every_host()).split()
        if left:
            raise LabError(
                f"hosts are still there: {', '.join(sorted(left))}; `python -m lab clean DIR` for"
                " each environment first"
            )
        tags = [recipes.BASE, *(tag for recipe in recipes.RECIPES for tag in recipe.tags)]
        present = [tag for tag in tags if shell.succeeds(["docker", "image", "inspect", tag])]
        if present:
            shell.run(["docker", "image", "rm", "--force", *present])
            removed += present
    removed += _stop_engine()
    if paths.LAB.exists():
        shutil.rmtree(paths.LAB)
        removed.append(".lab")
    return removed


def every_host() -> list[str]:
    """argv that lists the hosts of all environments."""
    label = f"label={hosts.FLEET_LABEL}"
    return ["docker", "container", "ls", "--all", "--filter", label, "--format", "{{.Names}}"]


def _stop_engine() -> list[str]:
    """Stop the dockerd that the lab started, unless somebody's containers run in it."""
    with contextlib.suppress(OSError, ValueError):
        pid = int(paths.DOCKERD_PID.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if not command[0].endswith(b"dockerd") or shell.run(["docker", "ps", "--quiet"]).strip():
            return []
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        return ["dockerd"]
    return []
