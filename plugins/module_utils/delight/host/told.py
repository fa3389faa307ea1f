"""What the replicas of a slot are told of it: `live` while the map sends requests there, else `idle`.

They see it as /run/delight/slot, for work that only the live slot may do. The word is written in place: it takes no
room on a full disk, and whoever has the file open sees it change.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

LIVE, IDLE = b"live\n", b"idle\n"


def begin(root: Path, backend: str) -> None:
    """Make the file of a slot whose containers are about to be made."""
    file = root / "slots" / backend / "slot"
    if not file.exists():
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        file.write_bytes(IDLE)
        for path in (file.parent.parent, file.parent):
            path.chmod(0o755)
        file.chmod(0o644)


def follow(root: Path, routes: Mapping[str, str]) -> None:
    """Tell every slot what it is by a map; the new one is told last, so that no two of a service are live at once."""
    live = set(routes.values())
    files = sorted((root / "slots").glob("*/slot"), key=lambda file: file.parent.name in live)
    for file in files:
        write(file, LIVE if file.parent.name in live else IDLE)


def write(file: Path, word: bytes) -> None:
    """Have a file say another word."""
    fd = os.open(file, os.O_RDWR)
    try:
        if os.pread(fd, len(word), 0) != word:
            os.pwrite(fd, word, 0)
            os.fsync(fd)
    finally:
        os.close(fd)


def forget(root: Path, backend: str) -> None:
    """Remove the file of a slot whose containers are gone."""
    shutil.rmtree(root / "slots" / backend, ignore_errors=True)
