"""What Docker sends of a folder to a build: the files that an image can be made of.

`.dockerignore` is read as Docker reads it, by the library of Docker's own.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from docker.utils.build import exclude_paths

GIT_S = 60


def sent(folder: Path, dockerfile: str) -> list[str]:
    """The paths below `folder` that are sent, sorted."""
    own = folder / f"{dockerfile}.dockerignore"  # of this Dockerfile alone
    file = own if own.is_file() else folder / ".dockerignore"
    lines = file.read_text().splitlines() if file.is_file() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return sorted(exclude_paths(str(folder), patterns, dockerfile))


def digest(folder: Path, paths: list[str]) -> str:
    """Hex SHA-256 of names, kinds, whether they may be run, and contents; times and owners do not count."""
    body = hashlib.sha256()
    for name in paths:
        path = folder / name
        if path.is_symlink():
            kind, content = "link", str(path.readlink()).encode()
        elif path.is_file():
            kind = "program" if path.stat().st_mode & 0o100 else "file"
            content = path.read_bytes()
        else:
            continue  # folders are made by what is in them
        body.update(f"{kind}\0{name}\0{len(content)}\0".encode() + content)
    return body.hexdigest()


def ignored(folder: Path, paths: list[str]) -> list[str]:
    """What of `paths` git ignores, whole folders with a slash: no commit stands for it, and secrets are often in it.

    Git's own folder is no part of a commit either, and holds all that was ever in one.
    """
    words = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"]
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, check=False, timeout=GIT_S
    )
    if done.returncode:  # no checkout
        return []
    entries = [".git/", *filter(None, done.stdout.decode().split("\0"))]
    files = [name for name in paths if not (folder / name).is_dir()]
    return [
        entry
        for entry in entries
        if any(name == entry or (entry[-1] == "/" and name.startswith(entry)) for name in files)
    ]
