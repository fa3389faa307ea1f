"""Copies of the working copy, in which tests may make a mess."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from tests.support.git import git

ROOT = Path(__file__).resolve().parents[2]


def copy_sources(folder: Path) -> Path:
    """Copy what git knows or would add, as it is now, changed or not; links stay links."""
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_symlink() or (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # another check has removed what it made
                shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def link(folder: Path, *names: str) -> None:
    """Let a copy use what was made in the working copy beside its sources; its git ignores that."""
    exclude = folder / ".git/info/exclude"
    exclude.parent.mkdir(parents=True, exist_ok=True)
    with exclude.open("a") as file:
        file.writelines(f"/{name}\n" for name in names)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(ROOT / name)
