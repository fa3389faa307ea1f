"""Acts that end in errors of Ansible's own, in a real deploy.yml: a missing outcome is a failure.

The hosts are folders of this machine; what plays their Python answers each act with a canned outcome.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.conftest import KEY, make_look

ROOT = Path(__file__).resolve().parents[2]
# Reads the act's script as a host would, notes its name, and answers.
PYTHON = """\
#!/bin/sh
cd {folder}
act=$(sed -n "s/.*main.perform('\\([a-z]*\\)'.*/\\1/p")
echo "$act" >> acts
[ ! -x ./on_$act ] || ./on_$act
cat "$act" 2> /dev/null || echo 'DELIGHT-OUTCOME {{"outcome": "ok"}}'
"""
# What Ansible's own alarm does when the time of a task is over, without the wait.
TIME_IS_OVER = """\
#!/bin/sh
pid=$PPID
until grep -q ansible-playbook /proc/$pid/cmdline; do
  pid=$(awk '$1 == "PPid:" { print $2 }' /proc/$pid/status)
done
kill -ALRM $pid
exec sleep 60
"""
COMMON: dict[str, Any] = {
    "ansible_connection": "local",
    "env_name": "test",
    "version": "v1",
    "images": {"api": f"sha256:{'1' * 64}"},
    "services": {"api": {"image": "registry.test/api", "port": 8000, "routes": [{"path": "/"}]}},
    "secrets": {},
    "release_hmac_key": KEY,
    "registry_password": "",
    "registry_ca": "",
    "database_max_connections": 0,
}


class Hosts:
    """An environment in a folder; `variables` are those of single hosts."""

    def __init__(self, folder: Path, variables: dict[str, dict[str, Any]]) -> None:
        self.folder = folder
        hosts = {}
        for name, own in variables.items():
            own.setdefault("ansible_become", False)
            (folder / name).mkdir()
            self.script(name, "python", PYTHON.format(folder=folder / name))
            (folder / name / "look").write_text(f"DELIGHT-OUTCOME {json.dumps(make_look())}\n")
            hosts[name] = {**own, "ansible_python_interpreter": str(folder / name / "python")}
        (folder / "hosts.json").write_text(json.dumps({"app": {"hosts": hosts}}))
        common = {**COMMON, "release_root": str(folder)}
        (folder / "common.json").write_text(json.dumps(common))

    def script(self, host: str, name: str, text: str) -> None:
        (self.folder / host / name).write_text(text)
        (self.folder / host / name).chmod(0o755)

    def acts(self, host: str) -> list[str]:
        return (self.folder / host / "acts").read_text().split()

    def deploy(self) -> tuple[int, str]:
        """(status, what was printed with its line breaks removed)."""
        ansible = Path(sys.executable).parent / "ansible-playbook"
        env = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
        done = subprocess.run(
            [
                *(ansible, "deploy.yml", "-i", self.folder / "hosts.json"),
                *("-e", f"@{self.folder / 'common.json'}"),
            ],
            cwd=ROOT,
            env=env | {"ANSIBLE_TASK_TIMEOUT": "600"},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def broken_end(tmp_path: Path) -> Hosts:
    """Four hosts, of which three break off in `settle`, each in another way."""
    unset = "{{ nowhere if rollout_seal is defined else false }}"
    found = Hosts(
        tmp_path,
        {
            "app1": {},
            "app2": {"release_keep": "{{ nowhere }}"},  # in the plugin
            "app3": {"ansible_become": unset},  # before the plugin
            "app4": {},  # over the plugin's head
        },
    )
    found.script("app4", "on_settle", TIME_IS_OVER)
    return found


@pytest.mark.promise("R2")
def test_no_host_is_released_without_its_outcome(broken_end: Hosts) -> None:
    status, output = broken_end.deploy()
    assert (status, "RELEASED" in output) == (22, False), output
    last = output.partition("NEEDS ATTENTION: ")[2]
    for said in (
        "app2: settle: 'nowhere' is undefined",
        "app3: settle gave no outcome: Ansible ended it with the error shown above",
        "app4: settle gave no outcome: it ran out of ANSIBLE_TASK_TIMEOUT",
    ):
        assert said in last, output
    assert "app1: " not in last


@pytest.mark.promise("R1")
def test_a_host_whose_act_broke_off_is_put_back_with_the_others(tmp_path: Path) -> None:
    at_stage = (
        "{{ nowhere if rollout_migrate is defined and rollout_stage is not defined else false }}"
    )
    hosts = Hosts(tmp_path, {"app1": {}, "app2": {"ansible_become": at_stage}})
    status, output = hosts.deploy()
    assert (status, "ROLLED BACK: " in output) == (21, True), output
    assert "app2: stage gave no outcome: Ansible ended it" in output
    assert hosts.acts("app1") == ["look", "lock", "prepare", "stage", "undo"]
    assert hosts.acts("app2") == ["look", "prepare", "undo"]
