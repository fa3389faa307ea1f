"""Files that must survive a crash: write beside, flush to disk, rename, flush the folder."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

# The way out of a file that cannot be read, whichever it is.
PUT_BACK = "put back a good copy from this host's backup; what serves goes on serving meanwhile"


class Unreadable(ValueError):
    """A file of ours is not what it should be; the text names it and the way out."""


def write_atomic(
    path: Path, data: bytes, mode: int = 0o600, owner: tuple[int, int] = (0, 0)
) -> None:
    """Replace `path` with `data`; a reader sees the old or the new bytes, never a part."""
    temporary = path.with_name(f".{path.name}.new")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(fd, left) :]
        os.fchmod(fd, mode)
        if os.geteuid() == 0:
            os.fchown(fd, *owner)
        os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(temporary, path)
    sync_folder(path.parent)


def move(old: Path, new: Path) -> None:
    """Rename a file durably; it takes no room on the disk."""
    os.replace(old, new)
    sync_folder(new.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read_json(path: Path) -> Any:
    """The parsed file, or None where there is none. A broken file raises Unreadable."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return json.loads(data)
    except ValueError as error:
        raise Unreadable(f"{path} is not JSON ({error}); {PUT_BACK}") from error


def read_text(path: Path) -> str | None:
    """The file's text, or None where there is none."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def sha256(data: bytes) -> str:
    """Hex digest of `data`."""
    return hashlib.sha256(data).hexdigest()
