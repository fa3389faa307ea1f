"""What is measured: whole runs as a user types them, and what they are compared with."""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.fleet.support import setup
from tests.fleet.support.hosts import BIN, INVENTORY, SOLO, Fleet
from tests.fleet.support.playing import ROOT, Run

PR_SET_CHILD_SUBREAPER = 36
NONCE = itertools.count(int(time.time()))
SERVICES: dict[str, Any] = yaml.safe_load((INVENTORY / "group_vars/fleet/main.yml").read_text())[
    "services"
]
IMAGE = "10.78.0.13:5000/delight-test:v1"
# The same container started by hand: no release, no gate, no edge.
BY_HAND = (
    "sudo docker run --detach --rm --name floor --network delight --ip 10.89.249.101 "
    f"--env PORT=8000 --env START_DELAY_S=1 {IMAGE} >/dev/null && "
    "until curl -sf -o /dev/null http://10.89.249.101:8000/health; do sleep 0.02; done"
)


def solo() -> Fleet:
    """The fleet of one host."""
    return Fleet(SOLO, {"solo": "10.78.0.14"}, "")


def pair() -> Fleet:
    """The fleet of two hosts."""
    return Fleet(INVENTORY, {"app1": "10.78.0.11", "app2": "10.78.0.12"}, "")


def fresh(replicas: int = 1, warm: str = "10m") -> dict[str, Any]:
    """Services that no slot holds yet, so that a deploy has all its work to do; ready after 1 s."""
    api = {
        **SERVICES["api"],
        "replicas": replicas,
        "warm": warm,
        "env": {"GRACE_S": "1", "START_DELAY_S": "1", "NONCE": str(next(NONCE))},
    }
    return {"api": api}


def timed(act: Callable[[], Any]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def good(run: Run) -> Run:
    """A run that ended well."""
    if run.status:
        raise SystemExit(run.output)
    return run


@dataclass(frozen=True)
class Floor:
    """A container started by hand over SSH, until its health answers."""

    fleet: Fleet
    ssh: list[str]

    @classmethod
    def on(cls, fleet: Fleet) -> Floor:
        """With the image that deploys use."""
        inventory = [str(BIN / "ansible-inventory"), "-i", str(fleet.inventory)]
        said = setup.run(*inventory, "--host", "solo")
        host = json.loads(said.replace("{{ inventory_dir }}", str(fleet.inventory)))
        ssh = ["ssh", "-p", str(host["ansible_port"]), "-i", host["ansible_ssh_private_key_file"]]
        ssh += host["ansible_ssh_common_args"].split()
        tag = f"docker tag $(docker images -q {IMAGE.rpartition(':')[0]} | head -n1) {IMAGE}"
        fleet.exec("solo", "sh", "-c", tag)
        return cls(fleet, [*ssh, f"{host['ansible_user']}@{host['ansible_host']}"])

    def seconds(self) -> float:
        """Once; the container is gone afterwards."""
        found = timed(lambda: subprocess.run([*self.ssh, BY_HAND], check=True))
        self.fleet.exec("solo", "docker", "stop", "-t", "1", "floor")
        return found


def consumed(argv: Sequence[str | Path], log: Path) -> tuple[float, float]:
    """(seconds, CPU seconds) of a command with all that it has started, in sessions of their own too."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with suppress(ChildProcessError):  # what earlier commands have left is none of this one's
        while True:
            os.wait4(-1, 0)
    began = time.perf_counter()
    with log.open("wb") as out:
        command = subprocess.Popen(argv, stdout=out, stderr=out, cwd=ROOT)
    cpu_s = seconds = 0.0
    while True:
        try:
            pid, ended, used = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu_s += used.ru_utime + used.ru_stime
        if pid == command.pid:
            seconds = time.perf_counter() - began
            command.returncode = os.waitstatus_to_exitcode(ended)
    if command.returncode:
        raise SystemExit(log.read_text())
    return seconds, cpu_s
