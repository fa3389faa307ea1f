"""Run programs of this machine: argv in, text out, one clear line when they fail."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lab import paths
from lab.errors import LabError


def environment() -> dict[str, str]:
    """This process's environment with the lab's Docker plugins and credentials in it."""
    return {**os.environ, "DOCKER_CONFIG": str(paths.DOCKER_CONFIG), "DOCKER_BUILDKIT": "1"}


def attempt(
    argv: Sequence[str],
    stdin: bytes | None = None,
    timeout: float = 900,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run to the end and return the result, whatever its exit status.

    `timeout` is in seconds. Raises LabError when the program is missing or too slow.
    """
    try:
        return subprocess.run(
            list(argv),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
            timeout=timeout,
            env=environment(),
            cwd=cwd,
        )
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(argv[:3])} … took more than {timeout:.0f} s") from error


def run(
    argv: Sequence[str],
    stdin: bytes | None = None,
    timeout: float = 900,
    cwd: Path | None = None,
) -> str:
    """Run and return standard output; LabError with the last lines of stderr on failure."""
    done = attempt(argv, stdin, timeout, cwd)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
        detail = "\n  ".join(said[-12:]) or "no output"
        raise LabError(f"{' '.join(argv[:4])} … failed ({done.returncode}): {detail}")
    return done.stdout.decode(errors="replace")


def succeeds(argv: Sequence[str]) -> bool:
    """Whether a program is there and ends with 0."""
    try:
        return attempt(argv, timeout=60).returncode == 0
    except LabError:
        return False
