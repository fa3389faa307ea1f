"""A release's files, compared with what a reviewer has read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
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


def build(**changes: str) -> release.Release:
    """A release with everything in it."""
    services = schema.validate_services(SERVICES)
    images = {name: f"{s.image}@sha256:{'0' * 64}" for name, s in services.items()}
    settings = schema.validate_settings({"app_subnet": "10.89.0.0/16", **changes})
    secrets = {"DATABASE_URL": "postgresql://u:planted@db/x", "KEY": "planted"}
    indices = {"api": 1, "browser": 3, "worker": 2}
    return release.build("v1", services, images, indices, secrets, "k" * 32, settings)


@pytest.fixture
def files() -> dict[str, str]:
    """{name: text} of it."""
    return build().files


@pytest.mark.parametrize("name", ["compose.yml", "api.env", "browser.env", "worker.env"])
def test_golden(files: dict[str, str], name: str) -> None:
    compare(f"release_{name}", files[name])


@pytest.mark.promise("C11")
def test_the_folder_of_the_root_names_all_that_is_on_a_host() -> None:
    shop = build(release_root="/srv/shop")
    found = yaml.safe_load(shop.files["compose.yml"])
    assert found["networks"] == {"delight": {"name": "shop", "external": True}}
    assert {one["labels"]["delight.app"] for one in found["services"].values()} == {"shop"}
    names = {one.get("container_name") for one in found["services"].values()} - {None}
    assert names and all(name.startswith("shop-") for name in names)
    assert shop.manifest["app"] == "shop"
    assert shop.id != build().id
    assert build(release_root="/opt/delight").id == build().id


@pytest.mark.promise("C11")
def test_no_name_on_a_host_is_of_another_application(files: dict[str, str]) -> None:
    shop = build(release_root="/srv/shop").files["compose.yml"]
    theirs, ours = (yaml.safe_load(text)["services"] for text in (files["compose.yml"], shop))
    assert not {one.get("container_name") for one in theirs.values()} & {
        one.get("container_name") for one in ours.values()
    } - {None}
