"""Which checkout's hosts stand in the engine: those of two checkouts have the same names, addresses and ports."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import cgroups, hosts, paths, shell
from lab.errors import LabError
from lab.inventory import Fleet

KINDS = ("container", "volume", "network")  # in the order in which they can be removed


@dataclass(frozen=True)
class Made:
    """One thing in the engine: its kind, its name, the folder of its checkout ('' where none is noted)."""

    kind: str
    name: str
    folder: str

    @property
    def ours(self) -> bool:
        """Whether it was made by this checkout; what was made before that was noted counts as ours."""
        return not self.folder or Path(self.folder).resolve() == paths.CHECKOUT

    @property
    def gone(self) -> bool:
        """Whether its checkout was moved or removed. A folder that may not be looked into is there."""
        try:
            Path(self.folder).stat()
        except (FileNotFoundError, NotADirectoryError):
            return not self.ours
        except OSError:
            return False
        return False

    @property
    def theirs(self) -> bool:
        """Whether it belongs to another checkout."""
        return not self.ours and not self.gone


def found(network: str = "") -> list[Made]:
    """All that stands in the engine for the fleet of that network, or for any."""
    return [
        Made(kind, *line.split("\t"))
        for kind in KINDS
        for line in shell.run(hosts.listing(kind, network)).splitlines()
    ]


def refuse_others(fleet: Fleet) -> list[Made]:
    """What stands in the engine for the fleet; LabError when it is another checkout's."""
    there = found(fleet.network)
    for one in there:
        if one.theirs:
            raise LabError(
                f"the hosts of {paths.shown(fleet.directory)} belong to {one.folder}: run"
                " `make clean` there first (their data goes with them), or work in that folder"
            )
    return there


def claim(fleet: Fleet) -> list[str]:
    """Refuse another checkout's hosts, and remove those whose checkout is gone; say whose they were."""
    left = [one for one in refuse_others(fleet) if one.gone]
    remove(left)
    folders = sorted({one.folder for one in left})
    return [f"removed the hosts of {folder}, which is gone" for folder in folders]


def remove(made: Sequence[Made]) -> dict[str, list[str]]:
    """Remove it from the engine; the names by kind."""
    removed: dict[str, list[str]] = {}
    for kind in KINDS:
        names = sorted(one.name for one in made if one.kind == kind)
        if names:
            shell.run(hosts.removal(kind, names))
            removed[kind] = names
    for name in removed.get("container", []):
        cgroups.detect().remove(name)
    return removed
