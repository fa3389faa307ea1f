"""A release's files, compared with what a reviewer has read."""

from __future__ import annotations

from typing import Any

import pytest
from delight import release, schema

from tests.render.comparing import compare

ODD = {
    "DOLLAR": "a $HOME ${b} $$c",
    "QUOTES": 'it\'s "so"',
    "LINES": "one\ntwo",
    "SLASHES": "C:\\new",
    "HASH": "a # b",
    "EMPTY": "",
    "SPACES": "  kept  ",
}
SERVICES: dict[str, Any] = {
    "api": {
        "image": "registry.test/api",
        "port": 8000,
        "routes": [{"path": "/api"}],
        "replicas": 2,
        "env": ODD,
        "secrets": ["DATABASE_URL"],
        "migrate": {"command": ["alembic", "upgrade", "head"], "check": ["pending"]},
    },
    "browser": {
        "image": "docker.io/library/browser",
        "entrypoint": ["/entry", "$1"],
        "user": "0:0",
        "root": True,
        "capabilities": ["SETUID", "CHOWN"],
        "init": False,
        "health": {"command": ["alive", "$HOME"]},
        "read_only": False,
        "writable": ["/var/run", {"path": "/cache", "size": "64m", "mode": "0700", "exec": True}],
        "secrets": ["DATABASE_URL", {"name": "KEY", "deliver": "env"}],
        "shm": "1g",
        "cpus": 1.5,
        "processes": 2000,
        "open_files": 4096,
    },
    "worker": {"image": "registry.test/api", "command": ["work", "$HOME"], "overlap": False},
}


@pytest.fixture
def files() -> dict[str, str]:
    """{name: text} of a release with everything in it."""
    services = schema.validate_services(SERVICES)
    images = {name: f"{s.image}@sha256:{'0' * 64}" for name, s in services.items()}
    settings = schema.validate_settings({"app_subnet": "10.89.0.0/16"})
    secrets = {"DATABASE_URL": "postgresql://u:planted@db/x", "KEY": "planted"}
    indices = {"api": 1, "browser": 3, "worker": 2}
    return release.build("v1", services, images, indices, secrets, "k" * 32, settings).files


@pytest.mark.parametrize("name", ["compose.yml", "api.env", "browser.env", "worker.env"])
def test_golden(files: dict[str, str], name: str) -> None:
    compare(f"release_{name}", files[name])
