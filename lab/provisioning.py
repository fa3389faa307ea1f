"""Whether the lab's hosts are provisioned already by this very tree, so that doing it again is left out.

The playbook itself looks at every host, which takes 20 s; here only what it is made from is compared. What
somebody changed on a host by hand is mended by `provision.yml`.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from lab import paths, shell
from lab.inventory import Fleet

# What the playbook makes a host from, beside its inventory.
SOURCES = ("ansible.cfg", "compose", "group_vars", "playbooks", "plugins/filter", "plugins/modules",
           "roles")  # fmt: skip


def stamp(fleet: Fleet, folders: Iterable[Path] = (), more: str = "") -> str:
    """What the hosts are made of: their containers, this tree, their inventory, what else is said."""
    names = [fleet.container(host) for host in fleet.hosts]
    found = shell.run(["docker", "inspect", "--format={{.Id}}", *names])
    digest = hashlib.sha256(f"{found}\0{more}\0".encode())
    sources = [paths.ROOT / source for source in SOURCES]
    for file in sorted(_files([*sources, fleet.directory, *folders])):
        digest.update(f"{file.relative_to(paths.ROOT)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def done(fleet: Fleet, wanted: str) -> bool:
    """Whether the last run that went through left this stamp."""
    file = stamp_file(fleet)
    return file.exists() and file.read_text() == wanted


def leave(fleet: Fleet, wanted: str) -> None:
    """Remember a run that went through."""
    stamp_file(fleet).write_text(wanted)


def stamp_file(fleet: Fleet) -> Path:
    """Without this file the next run provisions, whatever has changed."""
    return paths.env_dir(fleet.env) / "provisioned"


def _files(folders: Iterable[Path]) -> Iterable[Path]:
    for folder in folders:
        found = folder.rglob("*") if folder.is_dir() else [folder]
        yield from (f for f in found if f.is_file() and f.suffix not in (".pyc", ".md"))
