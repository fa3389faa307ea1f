"""Values of secrets that nobody may use any more, in releases that are kept. Pure.

`given_up` is {NAME: digests of its values that are compromised}, by `release.secret_digest`: see
`delight.host.compromised`. A deploy removes those
values from hosts; a rollback takes the release with the current value in their place, which is a release of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from delight import release, render
from delight.host import envfile
from delight.host.addresses import app_of
from delight.host.compromised import GivenUp, in_release, in_service
from delight.host.store import RELEASE_LAYOUT


def to_forget(look: Mapping[str, Any], given_up: GivenUp) -> dict[str, list[str]]:
    """{kept release: names} of the values that a host still has and should not."""
    gone = look["state"]["forgotten"]
    found = {
        kept: [name for name in in_release(manifest, given_up) if name not in gone.get(kept, [])]
        for kept, manifest in sorted(look["releases"].items())
    }
    return {kept: names for kept, names in found.items() if names}


def renewed(
    manifest: Mapping[str, Any], given_up: GivenUp, secrets: Mapping[str, str], hmac_key: str
) -> dict[str, Any]:
    """The release with the current value of each secret that is given up: the one that a deploy would make of it.

    `secrets` must have them all. One that needs none is the same release.
    """
    found: dict[str, Any] = copy.deepcopy(dict(manifest))
    if not in_release(manifest, given_up):
        return found
    texts = {n: one for n, one in found["files"].items() if not n.startswith("secrets/")}
    for service, spec in found["services"].items():
        names = in_service(spec, given_up)
        for name in names:
            spec["secrets"][name] = release.secret_digest(hmac_key, name, secrets[name])
        if names:
            settings = texts[f"{service}.env"]
            spec["fingerprint"] = release.fingerprint(
                service, spec, found["subnet"], settings, app_of(found)
            )
    texts["compose.yml"] = release.sha256(compose(found))
    found["layout"] = RELEASE_LAYOUT
    found["files"] = {**texts, **release.secret_files(found["services"])}
    found["id"] = release.identify(found["version"], found["services"], texts)
    return found


def compose(manifest: Mapping[str, Any]) -> str:
    """The compose file of a renewed release: its labels name what has changed."""
    return render.compose(manifest["services"], manifest["subnet"], app_of(manifest))


def contents(
    manifest: Mapping[str, Any],
    base: Mapping[str, Any],
    files: Mapping[str, Mapping[str, Any]],
    secrets: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """The files of a release that was renewed from `base`, whose own are `files`. Holds secret values."""
    found = {name: dict(file) for name, file in files.items()}
    found["compose.yml"] = release.settings_file(compose(manifest))
    for service, spec in manifest["services"].items():
        old = base["services"][service]["secrets"]
        new = {name: secrets[name] for name, one in spec["secrets"].items() if one != old[name]}
        in_env = {name: text for name, text in new.items() if name in spec["secrets_in_env"]}
        if in_env:
            path = f"secrets/{service}.env"
            kept = envfile.read(found[path]["text"]) if path in found else {}
            found[path] = release.settings_file(envfile.write({**kept, **in_env}))
        for name in new.keys() - in_env.keys():
            found[f"secrets/{service}/{name}"] = release.secret_file(spec, new[name])
    return found
