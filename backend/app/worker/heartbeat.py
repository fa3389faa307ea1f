"""The worker's health as a file: it has no port that could be asked.

Read by the container's health check every few seconds, so nothing but the standard library here.
"""

import json
import os
import time
from pathlib import Path

INTERVAL = 2.0  # seconds between two beats
MAX_AGE = 15.0  # seconds after which a silent worker counts as dead or stuck


def beat(path: str, status: str, release: str) -> None:
    """Say how the worker is; whoever reads sees this or the beat before, never half of one."""
    # The clock since boot is the same for all processes and not set by anybody.
    text = json.dumps({"at": time.monotonic(), "status": status, "release": release})
    new = Path(f"{path}.{os.getpid()}")
    new.write_text(text)
    new.replace(path)


def judge(path: str) -> tuple[bool, str]:
    """Is it well, and a line that says why or why not."""
    try:
        last = json.loads(Path(path).read_text())
        age, status, release = time.monotonic() - last["at"], last["status"], last["release"]
    except OSError as error:
        return False, f"no heartbeat: {error.strerror}"
    except (ValueError, TypeError, KeyError):
        return False, "no heartbeat: the file can't be read"
    if not 0 <= age <= MAX_AGE:
        return False, f"the last heartbeat was {age:.0f} s ago"
    return status == "healthy", f"{status}, release {release}"


def end(path: str) -> None:
    """The worker is gone."""
    Path(path).unlink(missing_ok=True)
