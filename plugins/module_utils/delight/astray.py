"""Secrets where everybody may look: in a service's variables or commands, in a version, in a path. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from delight.host import redact
from delight.origins import leaves, tellable

# A shorter text may be the same by chance, or a part of another.
SHORTEST_SAME = 8
SHORTEST_PART = 12
WAY_OUT = {
    "services": ": a service gets it by its name in `secrets`",
    "build_images": ": whoever has the image has what it was built with",
}
# What is kept beside passwords and is none.
NO_SECRETS = {"postgres_user", "registry_username", "user", "username"}
CERTIFICATE = "-----BEGIN CERTIFICATE-----"
# What a run reads that is secret itself, or may hold certificates.
SECRET = {
    *("secrets", "compromised_secrets", "release_hmac_key"),
    *("registry_password", "registry_ca", "registries"),
}


def mistakes(values: Mapping[str, Any], vault: Mapping[str, str]) -> list[str]:
    """One line for each of `values`, as a run reads them, that holds a secret: its path and the secret's.

    `vault` is {path: text} of all else that stands in a vault.
    """
    seen = {key: value for key, value in values.items() if key not in SECRET}
    held = {name: text for name, text in vault.items() if name not in seen} | dict(of_run(values))
    secrets = {name: text for name, text in held.items() if is_secret(name, text)}
    parts = {name: set(forms(text)) for name, text in secrets.items()}

    def held_by(said: str) -> str:
        holds = (n for n in secrets if said == secrets[n] or any(part in said for part in parts[n]))
        return next(holds, "")

    found = [
        f"{path}: holds {name}, which would stand in the open{WAY_OUT.get(path.partition('.')[0], '')}"
        for path, _, said in leaves(seen)
        if isinstance(said, str) and (name := held_by(said))
    ]
    if not found:
        return []
    # A path has keys, and one of them may be what was meant as a value.
    known = redact.known(secrets.values())
    return [redact.redact(line, known) for line in found]


def of_run(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, text) of what a run reads that is secret."""
    given = {
        name: values.get(name) for name in ("secrets", "release_hmac_key", "registry_password")
    }
    for path, _, text in leaves(given):
        if isinstance(text, str):
            yield tellable(path), text
    for path, _, text in leaves(values.get("registries"), "registries"):
        if isinstance(text, str) and path.endswith(".password"):
            yield path, text


def is_secret(name: str, text: str) -> bool:
    """Whether what stands in a vault by this name is one."""
    public = text.lstrip().startswith(CERTIFICATE) and "PRIVATE KEY" not in text
    return len(text) >= SHORTEST_SAME and name.rpartition(".")[2] not in NO_SECRETS and not public


def forms(text: str) -> Iterator[str]:
    """A secret and the password of a URL, as they are, in another URL and in base64."""
    for part in redact.parts(text):
        # The first and the last line of a key are those of every key.
        if len(part) >= SHORTEST_PART and (part == text or not part.startswith("-----")):
            yield from (part, quote(part, safe=""), *redact.base64_of(part))
