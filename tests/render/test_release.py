"""A release's files: golden texts, read by Docker Compose, with values that come out as they went in."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from delight import release, schema

from lab import paths

GOLDEN = Path(__file__).parent / "golden"
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
    "worker": {"image": "registry.test/api", "command": ["work", "$HOME"], "overlap": False},
}


@pytest.fixture
def files() -> dict[str, str]:
    """{name: text} of a release with everything in it."""
    services = schema.validate_services(SERVICES)
    images = {name: f"{s.image}@sha256:{'0' * 64}" for name, s in services.items()}
    settings = schema.validate_settings({"app_subnet": "10.89.0.0/16"})
    secrets = {"DATABASE_URL": "postgresql://u:planted@db/x"}
    indices = {"api": 1, "worker": 2}
    return release.build("v1", services, images, indices, secrets, "k" * 32, settings).files


@pytest.mark.parametrize("name", ["compose.yml", "api.env", "worker.env"])
def test_golden(files: dict[str, str], name: str) -> None:
    golden = GOLDEN / f"release_{name}"
    if os.environ.get("WRITE_GOLDEN"):
        golden.write_text(files[name])
    assert files[name] == golden.read_text()


def test_compose_reads_it_and_values_stay_literal(files: dict[str, str], tmp_path: Path) -> None:
    if not (paths.DOCKER_CONFIG / "cli-plugins/docker-compose").exists():
        return  # a machine without Docker still has the golden texts; CI always has it
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    argv = ["docker", "compose", "-f", str(tmp_path / "compose.yml"), "--profile", "once"]
    environment = {**os.environ, "DOCKER_CONFIG": str(paths.DOCKER_CONFIG)}
    environment |= {"RELEASE": "v1-x", "SLOT": "green", "SLOT_DIGIT": "2"}
    done = subprocess.run(
        [*argv, "config", "--format", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)["services"]
    shown = {k: v.replace("$$", "$") for k, v in read["api-1"]["environment"].items() if k in ODD}
    assert shown == ODD
    assert read["api-2"]["networks"]["delight"]["ipv4_address"] == "10.89.1.202"
    assert [word.replace("$$", "$") for word in read["worker-1"]["command"]] == ["work", "$HOME"]
    assert set(read) == {"api-1", "api-2", "api-once", "worker-1"}
    for one in read.values():
        assert one["read_only"] and one["cap_drop"] == ["ALL"] and one["user"] == "10001:10001"
