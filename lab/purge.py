"""Remove what all environments share: images, archives, plugins, the engine we started."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lab import checkout, engine, images, paths, recipes, shell
from lab.cleaning import Removed
from lab.errors import LabError

STOP_TIMEOUT = 60  # seconds
# All that the lab and the tests build is called so.
OURS = "delight-lab/*"


def purge(say: Callable[[str], None] = print) -> Removed:
    """Remove it all, or refuse while hosts of this checkout are there.

    Images and engine stay, and it is said why, while another checkout has hosts in it.
    """
    removed: Removed = {}
    if engine.running():
        there = checkout.found()
        if left := sorted(one.name for one in there if not one.theirs):
            raise LabError(f"still there: {', '.join(left)}; `python -m lab clean` first")
        if others := sorted({one.folder for one in there}):
            say(f"images and engine stay: hosts of {', '.join(others)} use them")
        else:
            removed |= {"image": names} if (names := _images()) else {}
            removed |= {"engine": [stopped]} if (stopped := _stop_engine()) else {}
    if paths.LAB.exists():
        shutil.rmtree(paths.LAB)
        removed["file"] = [".lab"]
    return removed


def _images() -> list[str]:
    removed = images.remove(OURS)
    # Whatever was built from ours and has lost its name to a newer one.
    shell.run(["docker", "image", "prune", "--force", "--filter", f"label={recipes.LABEL}"])
    return removed


def _stop_engine() -> str:
    """Stop the dockerd that the lab started, unless somebody's containers run in it."""
    with suppress(OSError, ValueError):
        pid = int(paths.DOCKERD_PID.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if not command[0].endswith(b"dockerd") or shell.run(["docker", "ps", "--quiet"]).strip():
            return ""
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        return "dockerd"
    return ""
