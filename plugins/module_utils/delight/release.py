"""A release: image digests, rendered files, settings and secret versions under one id.

Everything here is pure: the same input gives the same id on every controller.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delight import render
from delight.host import envfile
from delight.host.store import RELEASE_LAYOUT
from delight.schema import Settings
from delight.service import Migrate, Service

# Mode and owner of the files of a release. Compose reads settings as root; a secret belongs to
# the uid of the container that it is mounted into.
SETTINGS_MODE = "0400"
SECRET_MODE = "0400"  # noqa: S105 a file mode


@dataclass(frozen=True)
class Release:
    """`manifest` is public and names the secrets, `files` are its texts without them."""

    manifest: dict[str, Any]
    files: dict[str, str]

    @property
    def id(self) -> str:
        return str(self.manifest["id"])


def build(
    version: str,
    services: Mapping[str, Service],
    images: Mapping[str, str],
    indices: Mapping[str, int],
    secrets: Mapping[str, str],
    hmac_key: str,
    settings: Settings,
) -> Release:
    """The release of `services` at the given images.

    `images`: {service: repository@sha256:…}; `indices`: {service: place in the subnet};
    `secrets`: {NAME: value}, of which only HMACs enter the release.
    """
    files: dict[str, str] = {}
    specs: dict[str, Any] = {}
    for name, service in sorted(services.items()):
        digests = {
            one.name: secret_digest(hmac_key, one.name, secrets[one.name])
            for one in service.secrets
        }
        spec = describe(service, images[name], indices[name], digests, settings.https)
        env = files[f"{name}.env"] = render.env_file(service)
        spec["fingerprint"] = fingerprint(
            name, spec, settings.app_subnet, sha256(env), settings.app
        )
        specs[name] = spec
    files["compose.yml"] = render.compose(specs, settings.app_subnet, settings.app)
    texts = {name: sha256(text) for name, text in files.items()}
    manifest = {
        "layout": RELEASE_LAYOUT,
        "id": identify(version, specs, texts),
        "version": version,
        "app": settings.app,
        "subnet": settings.app_subnet,
        "services": specs,
        "files": {**texts, **secret_files(specs)},
    }
    return Release(manifest, files)


def secret_files(specs: Mapping[str, Any]) -> dict[str, str]:
    """{relative path: digest} of the files that hold the secrets of services."""
    found: dict[str, str] = {}
    for name, spec in specs.items():
        in_env = {key: spec["secrets"][key] for key in spec["secrets_in_env"]}
        found |= {
            f"secrets/{name}/{key}": one
            for key, one in spec["secrets"].items()
            if key not in in_env
        }
        if in_env:
            found[f"secrets/{name}.env"] = digest(in_env)
    return found


def describe(
    service: Service, image: str, index: int, secret_digests: dict[str, str], https: bool
) -> dict[str, Any]:
    """What a host needs to know of a service; times in seconds, sizes in bytes.

    `https`: whether users come by HTTPS, as a question for its health then says too.
    """
    health = service.health
    headers = {"X-Forwarded-Proto": "https" if https else "http", **health.headers}
    return {
        "image": image,
        "index": index,
        "port": service.port,
        "routes": sorted(route.key() for route in service.routes),
        "replicas": service.replicas,
        "command": service.command,
        "entrypoint": service.entrypoint,
        "user": service.user,
        "capabilities": sorted(service.capabilities),
        "init": service.init,
        "health": {
            "command": health.command,
            "path": health.path,
            "ready": health.ready or health.path,
            "port": health.port or service.port,
            "host": health.host,
            "headers": headers,
            "status": health.status,
            "successes": health.successes,
            "interval_s": health.interval,
            "timeout_s": health.timeout,
            "answer_s": health.answer,
            "release": health.release,
            "steady_s": health.steady,
        },
        "sticky": service.sticky,
        "protocol": service.protocol,
        "https": https,
        "timeout_s": service.timeout,
        "tunnel_s": service.tunnel,
        "drain_s": service.drain,
        "grace_s": service.stop_grace,
        "warm_s": service.warm,
        "memory_b": service.memory,
        "shm_b": service.shm,
        "cpus": service.cpus,
        "processes": service.processes,
        "open_files": service.open_files,
        "db_connections": service.db_connections,
        "writable": [folder.mount() for folder in service.writable],
        "read_only": service.read_only,
        "secrets": secret_digests,
        "secrets_in_env": service.delivered("env"),
        "check": service.check,
        "check_timeout_s": service.check_timeout,
        "migrate": describe_migrate(service.migrate) if service.migrate else None,
        "overlap": service.overlap,
        "singleton": service.singleton,
    }


def describe_migrate(migrate: Migrate) -> dict[str, Any]:
    """The migration commands, and their bounds in seconds."""
    return {
        "command": migrate.command,
        "timeout_s": migrate.timeout,
        "check": migrate.check,
        "check_timeout_s": migrate.check_timeout,
    }


def contents(release: Release, secrets: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """{relative path: {"text", "mode", "owner"}}: what `prepare` writes. Holds secret values."""
    found = {name: settings_file(text) for name, text in release.files.items()}
    for name, spec in release.manifest["services"].items():
        in_env = {key: secrets[key] for key in spec["secrets_in_env"]}
        if in_env:
            found[f"secrets/{name}.env"] = settings_file(envfile.write(in_env))
        for key in spec["secrets"].keys() - in_env.keys():
            found[f"secrets/{name}/{key}"] = secret_file(spec, secrets[key])
    return found


def settings_file(text: str) -> dict[str, Any]:
    """A file that Compose reads, as root."""
    return {"text": text, "mode": SETTINGS_MODE, "owner": [0, 0]}


def secret_file(spec: Mapping[str, Any], text: str) -> dict[str, Any]:
    """A file that is mounted into the containers of a service."""
    owner = [int(part) for part in spec["user"].split(":")]
    return {"text": text, "mode": SECRET_MODE, "owner": owner}


def fingerprint(name: str, spec: Mapping[str, Any], subnet: str, settings: str, app: str) -> str:
    """Tells whether two releases run a service alike; `settings` is the digest of its settings file.

    Which other services there are is no part of it: a new one leaves all others as they run.
    """
    blocks = "".join(render.service_blocks(name, spec, subnet, app))
    body = [blocks, settings, spec["secrets"], spec["image"]]
    return digest(body)[:16]


def identify(version: str, specs: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """The id of a release: its version to read, and a digest of all that it is; `texts` are {file: digest}."""
    return f"{slug(version)}-{digest([specs, texts])[:10]}"


def secret_digest(key: str, name: str, value: str) -> str:
    """Tells two versions of a secret apart and gives nothing away without the vault's key."""
    return hmac.new(key.encode(), f"{name}\0{value}".encode(), hashlib.sha256).hexdigest()


def sha256(text: str) -> str:
    """Hex SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest(body: Any) -> str:
    """Hex SHA-256 of the canonical JSON of `body`."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text)


def slug(version: str) -> str:
    """The version as the readable part of an id."""
    return re.sub(r"[^a-z0-9.]+", "-", version.lower()).strip("-.")[:40] or "release"
