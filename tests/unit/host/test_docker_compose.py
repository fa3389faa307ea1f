"""How Compose is called on a host."""

from __future__ import annotations

from pathlib import Path

import pytest
from delight.host import docker


def test_compose_is_called_where_dockers_plugins_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "second/docker-compose"
    monkeypatch.setattr(docker, "PLUGINS", (str(tmp_path / "first"), str(program.parent)))
    assert docker.composer() == ["docker", "compose"]
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    assert docker.composer() == ["docker", "compose"], "it can't be run"
    program.chmod(0o755)
    assert docker.composer() == [str(program)]
    argv = docker.compose_up("delight-api-blue", Path("/r/compose.yml"), ["api-1"])
    assert argv[:3] == [str(program), "--progress", "quiet"]
    assert argv[-6:] == ["--detach", "--no-build", "--no-deps", "--pull", "never", "api-1"]
