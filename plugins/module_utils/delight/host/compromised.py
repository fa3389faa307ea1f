"""Values of secrets that nobody may use any more: which a release has, and removing them from what a host keeps.

`given_up` is {NAME: digests of values}; a manifest has the digest of each value that its release was made with.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from . import envfile, files, slots, store

GivenUp = Mapping[str, Collection[str]]


def in_service(spec: Mapping[str, Any], given_up: GivenUp) -> list[str]:
    """The secrets of a service, as a release has it, whose value is given up."""
    return sorted(
        name for name, one in spec.get("secrets", {}).items() if one in given_up.get(name, ())
    )


def in_release(manifest: Mapping[str, Any], given_up: GivenUp) -> list[str]:
    """The secrets of a release whose value is given up."""
    found = (in_service(spec, given_up) for spec in manifest["services"].values())
    return sorted({name for names in found for name in names})


def forget(at: store.Store, state: dict[str, Any], given_up: GivenUp) -> None:
    """Remove such values: the containers of slots that do not serve, then the files of releases. Safe to repeat.

    No run is open any more: where this is cut off, the next one plans it. The files stay named in the manifest,
    and `state["forgotten"]` says what is not there any more.
    """
    if not given_up:
        return
    manifests = at.manifests()
    for service, held in state["slots"].items():
        for slot in store.SLOTS:
            spec = manifests.get(held[slot], {}).get("services", {}).get(service)
            if spec and held["live"] != slot and in_service(spec, given_up):
                slots.clear(at, state, service, slot, spec["grace_s"])
                held[slot] = None
    state["cool"] = [c for c in state["cool"] if state["slots"][c["service"]][c["slot"]]]
    at.save(state)
    for release, manifest in manifests.items():
        names = in_release(manifest, given_up)
        if not names or release == state["live"]:
            continue
        for service, spec in manifest["services"].items():
            remove_files(at.releases / release / "secrets", service, spec, given_up)
        state["forgotten"][release] = sorted({*names, *state["forgotten"].get(release, [])})
    at.save(state)


def remove_files(folder: Path, service: str, spec: Mapping[str, Any], given_up: GivenUp) -> None:
    """Remove the values of a service that are given up from the files of a release."""
    names = in_service(spec, given_up)
    in_env = set(names) & set(spec["secrets_in_env"])
    env_file = folder / f"{service}.env"
    if in_env and (text := files.read_text(env_file)) is not None:
        kept = {name: one for name, one in envfile.read(text).items() if name not in in_env}
        files.write_atomic(env_file, envfile.write(kept).encode(), mode=0o400)
    for name in set(names) - in_env:
        (folder / service / name).unlink(missing_ok=True)
