"""The module that keeps dockerd's settings: what it decides, what it runs and when it goes back."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SPEC = importlib.util.spec_from_file_location(
    "docker_daemon", ROOT / "plugins/modules/docker_daemon.py"
)
assert SPEC and SPEC.loader
module = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(module)


class Host:
    """A host that records commands; those in `failing` end with status 1 as often as told."""

    def __init__(self, active: bool = True) -> None:
        self.active = active
        self.commands: list[str] = []
        self.failing: dict[str, int] = {}

    def run(self, argv: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        command = " ".join(argv[:3])
        if "is-active" in command:
            return subprocess.CompletedProcess(argv, 0 if self.active else 3, "", "")
        self.commands.append(command)
        left = self.failing.get(command, 0)
        self.failing[command] = left - 1
        return subprocess.CompletedProcess(argv, int(left > 0), "", "it says why")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    found = Host()
    monkeypatch.setattr(module.subprocess, "run", found.run)
    return found


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], "nothing"),
        (["live-restore"], "reload"),
        (["debug", "labels"], "reload"),
        (["log-opts"], "restart"),
        (["live-restore", "log-opts"], "restart"),
    ],
)
def test_a_restart_is_for_what_a_reload_can_not_do(keys: list[str], expected: str) -> None:
    assert module.way(keys) == expected


def test_changed_keys_are_those_that_differ_come_or_go() -> None:
    old, new = {"a": 1, "b": 2, "gone": None}, {"a": 1, "b": 3, "come": None}
    assert module.changed_keys(old, new) == ["b", "come", "gone"]


def test_live_restore_is_in_force_before_a_restart(host: Host, tmp_path: Path) -> None:
    module.keep(tmp_path / "daemon.json", {"log-opts": {}}, "restart", 1)
    order = [command for command in host.commands if "systemctl re" in command]
    assert order[0] == "systemctl reload docker"
    assert order[-1] == "systemctl restart docker"


def test_a_reload_restarts_nothing(host: Host, tmp_path: Path) -> None:
    module.keep(tmp_path / "daemon.json", {"debug": True}, "reload", 1)
    assert "systemctl restart docker" not in host.commands


def test_settings_that_dockerd_refuses_are_not_written(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    path.write_text("{}")
    host.failing = {"dockerd --validate --config-file": 1}
    with pytest.raises(module.Refused, match="it says why"):
        module.keep(path, {"unknown": 1}, "restart", 1)
    assert path.read_text() == "{}"
    assert host.commands == ["dockerd --validate --config-file"]


def test_a_daemon_that_does_not_come_up_gets_its_settings_back(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "daemon.json"
    path.write_text(json.dumps({"good": 1}))
    host.failing = {"systemctl restart docker": 1}
    with pytest.raises(module.Refused, match="are in force again"):
        module.keep(path, {"bad": 1}, "restart", 1)
    assert json.loads(path.read_text()) == {"good": 1}
    assert host.commands.count("systemctl restart docker") == 2
