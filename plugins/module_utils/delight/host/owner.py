"""Whose a folder on this host is: `environment` in it has the name of one environment, on one line.

What one environment has made there, no other one may take for its own.
"""

from __future__ import annotations

from pathlib import Path

from . import files

# What an environment does that finds the release folder taken.
ELSEWHERE = (
    "Give this one a folder of its own (release_root: /srv/<name>), and an app_subnet and edge "
    "ports that are free"
)


def owner(root: Path) -> str | None:
    """The environment that a folder belongs to; None where it is nobody's yet."""
    return (files.read_text(root / "environment") or "").strip() or None


def refusal(root: Path, environment: str, way_out: str = ELSEWHERE) -> str:
    """Why an environment may not have a folder; empty where it may."""
    found = owner(root)
    if found in (None, environment):
        return ""
    return f"{root} belongs to environment {found}, and this is {environment}. {way_out}"


def claim(root: Path, environment: str) -> None:
    """Write down whose a folder is, where it is nobody's."""
    if owner(root) is None:
        files.write_atomic(root / "environment", f"{environment}\n".encode(), mode=0o644)


def give_up(root: Path) -> None:
    """Leave a folder to whoever comes next."""
    (root / "environment").unlink(missing_ok=True)
