"""Docker Compose reads every project that is rendered, and values come out as they went in.

The texts are the golden ones; that they are what is rendered is proved where that costs nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab import paths
from tests.render.comparing import GOLDEN
from tests.render.test_release import ODD


def read(file: Path) -> dict[str, Any]:
    """The project's services as Compose understands them."""
    environment = os.environ | {"DOCKER_CONFIG": str(paths.DOCKER_CONFIG)}
    environment |= {"RELEASE": "v1-x", "HOST": "web-1"}
    done = subprocess.run(
        ["docker", "compose", "-f", str(file), "--profile", "once", "config", "--format", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["services"]
    return found


@pytest.mark.parametrize("project", ["backing", "balancer", "edge"])
def test_a_project_is_read(project: str, tmp_path: Path) -> None:
    file = shutil.copy(GOLDEN / f"{project}_compose.yml", tmp_path / "compose.yml")
    assert read(Path(file))


def test_a_release_is_read_and_its_values_stay_literal(tmp_path: Path) -> None:
    for name in ("compose.yml", "api.env", "browser.env", "worker.env"):
        shutil.copy(GOLDEN / f"release_{name}", tmp_path / name)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/browser.env").write_text("KEY='a word'\n")
    services = read(tmp_path / "compose.yml")
    shown = {k: v.replace("$$", "$") for k, v in services["api-blue-1"]["environment"].items()}
    assert {key: shown.get(key) for key in ODD} == ODD
    assert services["api-green-2"]["networks"]["delight"]["ipv4_address"] == "10.89.1.202"
    assert services["api-green-2"]["hostname"] == "web-1-api-green-2"
    assert services["worker-blue-1"]["extra_hosts"] == ["api.internal=10.89.255.254"]
    assert [w.replace("$$", "$") for w in services["worker-blue-1"]["command"]] == ["work", "$HOME"]
    browser = services.pop("browser-blue-1")
    assert services.pop("browser-green-1")["container_name"] == "delight-browser-green-1"
    assert browser["environment"]["KEY"] == "a word"
    assert browser["healthcheck"]["test"] == ["CMD", "alive", "$$HOME"]
    assert browser["entrypoint"] == ["/entry", "$$1"]
    assert browser["ulimits"] == {"nofile": 4096}
    replicas = ("api-{}-1", "api-{}-2", "worker-{}-1")
    names = {name.format(slot) for name in replicas for slot in ("blue", "green")}
    assert set(services) == {*names, "api-once"}
    for one in services.values():
        assert one["read_only"] and one["cap_drop"] == ["ALL"] and one["user"] == "10001:10001"
