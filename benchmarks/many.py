"""What a deploy costs its controller, by the number of hosts.

The sessions are real: SSH to one host, as often as there are hosts. What answers there plays a host's agent, so
that nothing but the controller is measured.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.fleet.support.hosts import SOLO, Fleet
from tests.fleet.support.playing import ROOT
from tests.unit.engine.conftest import make_look
from tests.unit.test_release_playbooks import AGENT, COMMON

PR_SET_CHILD_SUBREAPER = 36
ANSIBLE = ROOT / ".venv/bin/ansible-playbook"
PLACE = "/opt/delight-many"  # on the host: a folder for each that is played


def consumed(argv: Sequence[str | Path], log: Path) -> tuple[float, float]:
    """(seconds, CPU seconds) of a command with all that it has started, in sessions of their own too."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    began = time.perf_counter()
    with log.open("wb") as out:
        command = subprocess.Popen(argv, stdout=out, stderr=out, cwd=ROOT)
    cpu_s, seconds, status = 0.0, 0.0, 1
    while True:
        try:
            pid, ended, used = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu_s += used.ru_utime + used.ru_stime
        if pid == command.pid:
            seconds, status = time.perf_counter() - began, os.waitstatus_to_exitcode(ended)
            command.returncode = status
    if status:
        raise SystemExit(log.read_text())
    return seconds, cpu_s


def play_hosts(solo: Fleet, names: list[str]) -> None:
    """Have an agent of its own for each name on the host."""
    look = json.dumps(make_look())
    script = f"set -e; mkdir -p {PLACE}; cd {PLACE}; "
    for name in names:
        agent = AGENT.format(python="/usr/bin/python3", folder=f"{PLACE}/{name}")
        script += f"mkdir -p {name}; cat > {name}/python <<'E'\n{agent}E\n"
        script += f"chmod 755 {name}/python; cat > {name}/look <<'E'\n{look}\nE\n"
    subprocess.run(
        ["docker", "exec", "-i", "delight-fleet-solo", "sh"],
        input=script,
        text=True,
        check=True,
    )


def inventory(folder: Path, names: list[str]) -> list[str]:
    """The options that name the hosts."""
    tree = yaml.safe_load((SOLO / "hosts.yml").read_text())
    fleet: dict[str, Any] = tree["all"]["children"]["fleet"]
    words = json.dumps(fleet["vars"]).replace("{{ inventory_dir }}", str(SOLO))
    own = fleet["children"]["app"]["hosts"]["solo"]
    hosts = {n: {**own, "ansible_python_interpreter": f"{PLACE}/{n}/python"} for n in names}
    tree = {"app": {"hosts": hosts, "vars": json.loads(words)}}
    (folder / "hosts.json").write_text(json.dumps(tree))
    common = {k: v for k, v in COMMON.items() if not k.startswith("ansible_")}
    (folder / "common.json").write_text(json.dumps(common))
    return ["-i", f"{folder / 'hosts.json'}", "-e", f"@{folder / 'common.json'}"]


def measure(solo: Fleet, count: int) -> tuple[float, float]:
    """(seconds, CPU seconds) of a deploy to `count` hosts."""
    names = [f"h{number:03}" for number in range(1, count + 1)]
    play_hosts(solo, names)
    with tempfile.TemporaryDirectory() as folder:
        options = inventory(Path(folder), names)
        return consumed([ANSIBLE, "deploy.yml", "--forks=8", *options], Path(folder) / "log")


def main() -> None:
    solo = Fleet(SOLO, {"solo": "10.78.0.14"}, "")
    for count in (1, 2, 10, 50, 100):
        seconds, cpu_s = measure(solo, count)
        print(f"{count:4} hosts: {seconds:6.2f} s, {cpu_s:6.2f} s of CPU", flush=True)


if __name__ == "__main__":
    main()
