"""Remove what was made: for one environment, or for all environments of this checkout."""

import shutil
from contextlib import suppress

from lab import cgroups, checkout, engine, images, inventory, paths, secrets
from lab.inventory import Fleet

Removed = dict[str, list[str]]  # names by kind of thing: container, volume, network, image, file
SHOWN_NAMES = 8


def everything() -> Removed:
    """All that was made for this checkout's environments, of inventory folders that are gone too."""
    fleets = [inventory.load(folder) for folder in inventory.folders(paths.ROOT)]
    return _clean(fleets)


def environment(fleet: Fleet) -> Removed:
    """All that was made for one inventory folder."""
    return _clean([fleet], fleet.network)


def said(removed: Removed) -> list[str]:
    """What was removed, a line for each kind."""
    lines = []
    for kind, names in removed.items():
        some = ", ".join(names[:SHOWN_NAMES])
        rest = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        noun = {"container": "host"}.get(kind, kind) + ("s" if len(names) > 1 else "")
        lines.append(f"removed {len(names)} {noun}: {some}{rest}")
    return lines


def _clean(fleets: list[Fleet], network: str = "") -> Removed:
    removed: Removed = {}
    if engine.awake():
        there = checkout.found(network)
        removed = checkout.remove([one for one in there if not one.theirs])
        for fleet in fleets:
            # Another checkout's are called the same.
            if not any(one.theirs for one in checkout.found(fleet.network)):
                if fleet.registry is not None:  # built on this machine for it
                    _add(removed, "image", images.remove(f"{fleet.registry}/*"))
                for host in fleet.hosts:  # made before the host that never was
                    cgroups.detect().remove(fleet.container(host))
    for fleet in fleets:
        _add(removed, "file", _files(fleet))
    return removed


def _add(removed: Removed, kind: str, names: list[str]) -> None:
    if names:
        removed[kind] = [*removed.get(kind, []), *names]


def _files(fleet: Fleet) -> list[str]:
    """Remove secrets, keys and logs that the lab wrote for the fleet."""
    folder = paths.env_dir(fleet.env)
    removed = secrets.clean(fleet)
    names = ("id_ed25519", "id_ed25519.pub", "provisioned", "services.env")
    for file in (fleet.known_hosts, *(folder / name for name in names)):
        if file.exists():
            file.unlink()
            removed.append(paths.shown(file))
    shutil.rmtree(folder / "log", ignore_errors=True)
    with suppress(OSError):  # it may hold what others put there
        folder.rmdir()
    return removed
