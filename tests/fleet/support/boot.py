"""Restarting hosts, and waiting until they serve again."""

from __future__ import annotations

import subprocess
import sys

from tests.fleet.support.hosts import INVENTORY, Fleet, until
from tests.fleet.support.playing import ROOT

REBOOT_S = 180


def lab(*words: str) -> None:
    """A command of the lab for the stories' hosts."""
    argv = [sys.executable, "-m", "lab", words[0], str(INVENTORY), *words[1:]]
    subprocess.run(argv, cwd=ROOT, check=True, timeout=REBOOT_S)


def reboot(fleet: Fleet, host: str) -> None:
    """Restart a host, whatever runs on it, and wait until it serves what it served."""
    version = fleet.version()
    lab("reboot", host)
    back(fleet, host, version)


def back(fleet: Fleet, host: str, version: str) -> None:
    """Wait until a host serves again and takes part again."""
    until(lambda: fleet.ask(host).get("version") == version, f"{host} serves {version} again")
    url = f"http://{fleet.hosts[host]}:8404/ready"
    ask = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url]
    until(lambda: "200" in fleet.exec(host, *ask, check=False), f"{host} is in the pool again")
