"""How a host gets a control group tree that its own systemd may write to.

A machine with hybrid groups (v1 controllers, an empty v2 tree beside them) lends the
host a folder of the v2 tree. On pure v2 the host gets a namespace of its own.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

HYBRID = Path("/sys/fs/cgroup/unified")
PURE = Path("/sys/fs/cgroup/cgroup.controllers")


@dataclass(frozen=True)
class Cgroups:
    """`tree` is the v2 tree of a hybrid machine, None on pure v2."""

    tree: Path | None

    def arguments(self, name: str) -> list[str]:
        """Arguments of `docker run` for the host of that container name."""
        if self.tree is None:
            return ["--cgroupns", "private"]
        return ["--cgroupns", "host", "--volume", f"{self.tree / name}:/sys/fs/cgroup:rw"]

    def make(self, name: str) -> None:
        """Make the host's folder; it does not survive a reboot of this machine."""
        if self.tree is not None:
            (self.tree / name).mkdir(exist_ok=True)

    def remove(self, name: str) -> None:
        """Remove the folder of a host that is gone, deepest first."""
        if self.tree is None or not (self.tree / name).exists():
            return
        folders = [path for path in (self.tree / name).rglob("*") if path.is_dir()]
        for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        with contextlib.suppress(OSError):
            (self.tree / name).rmdir()


def detect() -> Cgroups:
    """The way of this machine."""
    return Cgroups(None if PURE.exists() or not HYBRID.exists() else HYBRID)
