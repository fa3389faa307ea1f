"""Images on this host: by digest, from a registry."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from urllib.parse import quote

from . import docker, progress

# A pull may be of gigabytes.
PULL_S = 3600.0


def present(reference: str) -> bool:
    """Whether the image is here already, so that no registry is needed."""
    try:
        docker.call("GET", f"/images/{quote(reference, safe='/:@')}/json")
    except docker.DockerError as error:
        if " 404 " in str(error):
            return False
        raise
    return True


def pull(reference: str, login: Mapping[str, str] | None) -> None:
    """Pull by digest. The login goes in a header of this one call and stays nowhere on the host."""
    progress.step(f"pulls {reference}")
    headers = {}
    if login:
        token = json.dumps(dict(login)).encode()
        headers["X-Registry-Auth"] = base64.urlsafe_b64encode(token).decode()
    answer = docker.call(
        "POST", "/images/create", {"fromImage": reference}, headers=headers, timeout_s=PULL_S
    )
    for line in answer.splitlines():
        event = json.loads(line) if line.strip() else {}
        if "error" in event:
            raise docker.DockerError(f"pull of {reference}: {event['error']}")


def remove(reference: str) -> bool:
    """Drop an image; whether it is gone. One that a container uses stays."""
    try:
        docker.call("DELETE", f"/images/{quote(reference, safe='/:@')}")
    except docker.DockerError as error:
        if " 409 " in str(error):
            return False
        if " 404 " not in str(error):
            raise
    return True
