"""What a deploy costs its controller, by the number of hosts.

The sessions are real: SSH to one host, as often as there are hosts. What answers there plays a host's agent, so
that nothing but the controller is measured.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.runs import consumed, solo
from tests.fleet.support import setup
from tests.fleet.support.hosts import BIN, SOLO
from tests.fleet.support.playing import ROOT

sys.path.append(str(ROOT / "plugins/module_utils"))

from tests.unit.engine.conftest import make_look
from tests.unit.test_release_playbooks import AGENT, COMMON

PLACE = "/opt/delight-many"  # on the host: a folder for each that is played


def play_hosts(names: list[str]) -> None:
    """Have an agent of its own for each name on the host."""
    look = json.dumps(make_look())
    script = f"set -e; mkdir -p {PLACE}; cd {PLACE}; "
    for name in names:
        agent = AGENT.format(python="/usr/bin/python3", folder=f"{PLACE}/{name}")
        script += f"mkdir -p {name}; cat > {name}/python <<'E'\n{agent}E\n"
        script += f"chmod 755 {name}/python; cat > {name}/look <<'E'\n{look}\nE\n"
    solo().exec("solo", "sh", text=script)


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


def measure(count: int) -> tuple[float, float]:
    """(seconds, CPU seconds) of a deploy to `count` hosts."""
    names = [f"h{number:03}" for number in range(1, count + 1)]
    play_hosts(names)
    with tempfile.TemporaryDirectory() as folder:
        # One SSH server takes no more connections at once; many servers would.
        argv = [str(BIN / "ansible-playbook"), "deploy.yml", "--forks=8"]
        return consumed([*argv, *inventory(Path(folder), names)], Path(folder) / "log")


def main() -> None:
    """Print what a deploy costs, beside what Ansible's start costs on this machine now."""
    setup.ensure()
    for count in (1, 2, 10, 50, 100):
        with tempfile.TemporaryDirectory() as folder:
            _, base_s = consumed([BIN / "ansible-playbook", "--version"], Path(folder) / "log")
        seconds, cpu_s = measure(count)
        print(f"{count:4} hosts: {seconds:5.1f} s, CPU {cpu_s:5.1f} s; --version {base_s:.2f} s")


if __name__ == "__main__":
    main()
