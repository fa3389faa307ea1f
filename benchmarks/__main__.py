"""`python -m benchmarks`: deploys and rollbacks beside the bare engine, in one run.

Hosts are those of the fleet's stories. The application is ready 1 s after its start, images are
present. Medians of a few rounds; read the ratios, not the seconds.
"""

from __future__ import annotations

import itertools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from tests.fleet.support import setup
from tests.fleet.support.hosts import INVENTORY, SOLO, Fleet
from tests.fleet.support.playing import ROOT, Run

ROUNDS = 3
NONCE = itertools.count(int(time.time()))
SERVICES: dict[str, Any] = yaml.safe_load((INVENTORY / "group_vars/fleet/main.yml").read_text())[
    "services"
]


def fresh(replicas: int = 2, warm: str = "10m") -> dict[str, Any]:
    """Services that no slot holds yet, so that a deploy has all its work to do."""
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


def floor(fleet: Fleet) -> float:
    """The same container started by hand over SSH, until its health answers."""
    inventory = [str(ROOT / ".venv/bin/ansible-inventory"), "-i", str(fleet.inventory)]
    said = setup.run(*inventory, "--host", "solo")
    host = json.loads(said.replace("{{ inventory_dir }}", str(fleet.inventory)))
    ssh = ["ssh", "-p", str(host["ansible_port"]), "-i", host["ansible_ssh_private_key_file"]]
    ssh += [
        *host["ansible_ssh_common_args"].split(),
        f"{host['ansible_user']}@{host['ansible_host']}",
    ]
    image = "10.78.0.13:5000/delight-test:v1"
    script = (
        f"sudo docker run --detach --rm --name floor --network delight --ip 10.89.249.101 "
        f"--env PORT=8000 --env START_DELAY_S=1 {image} >/dev/null && "
        "until curl -sf -o /dev/null http://10.89.249.101:8000/health; do sleep 0.02; done"
    )
    fleet.exec(
        "solo",
        "sh",
        "-c",
        f"docker tag $(docker images -q {image.split(':v', maxsplit=1)[0]} | head -n1) {image}",
    )
    seconds = timed(lambda: subprocess.run([*ssh, script], check=True))
    fleet.exec("solo", "docker", "stop", "-t", "1", "floor")
    return seconds


def measure(fleet: Fleet, rounds: int = ROUNDS) -> dict[str, float]:
    """Medians of every kind of run on one fleet, in seconds."""
    found: dict[str, list[float]] = {}

    def note(name: str, act: Callable[[], Run]) -> None:
        found.setdefault(name, []).append(timed(lambda: good(act())))

    for _ in range(rounds):
        good(fleet.deploy("v1", services=fresh()))
        services = fresh()
        note("deploy", partial(fleet.deploy, "v1", services=services))
        note("nothing to do", partial(fleet.deploy, "v1", services=services))
        note("rollback, warm", fleet.rollback)
        good(fleet.deploy("v1", services=fresh(warm="0s")))
        good(fleet.deploy("v1", services=fresh(warm="0s")))
        note("rollback, stopped", fleet.rollback)
        base = [
            str(ROOT / ".venv/bin/ansible-playbook"),
            "benchmarks/base.yml",
            "-i",
            str(fleet.inventory),
        ]
        found.setdefault("base", []).append(timed(partial(setup.run, *base)))
    return {name: statistics.median(times) for name, times in found.items()}


def phases(fleet: Fleet) -> dict[str, float]:
    """Seconds of each act in one more deploy, the slowest host's."""
    acts = good(fleet.deploy("v1", services=fresh())).result["acts"]
    return {
        name: max(o.get("took_s", 0) for o in outcomes.values()) for name, outcomes in acts.items()
    }


def main() -> int:
    """Measure, print, and say which bound is not met; 1 if any is not."""
    setup.ensure()
    solo = Fleet(SOLO, {"solo": "10.78.0.14"}, "")
    pair = Fleet(INVENTORY, {"app1": "10.78.0.11", "app2": "10.78.0.12"}, "")
    good(solo.deploy("v1", services=fresh()))
    floor_s = statistics.median(floor(solo) for _ in range(ROUNDS))
    one, two = measure(solo), measure(pair)
    rows = [
        ("deploy, one host", one["deploy"] / floor_s, 2.2, "x floor"),
        ("deploy, two hosts", two["deploy"] / one["deploy"], 1.25, "x one host"),
        ("nothing to do", one["nothing to do"] / one["deploy"], 0.4, "x deploy"),
        ("rollback, warm slot", one["rollback, warm"] / one["deploy"], 0.5, "x deploy"),
        ("rollback, stopped slot", one["rollback, stopped"] / one["deploy"], 1.0, "x deploy"),
    ]
    table = Table("measure", "figure", "bound", "")
    for name, figure, bound, unit in rows:
        style = "green" if figure <= bound else "red"
        table.add_row(name, f"[{style}]{figure:.2f}[/{style}]", f"≤ {bound:g}", unit)
    console = Console()
    console.print(table)
    seconds = {"floor": floor_s, **one}
    console.print("seconds, one host: " + ", ".join(f"{k} {v:.2f}" for k, v in seconds.items()))
    console.print("seconds, two hosts: " + ", ".join(f"{k} {v:.2f}" for k, v in two.items()))
    console.print("acts of a deploy: " + ", ".join(f"{k} {v:.2f}" for k, v in phases(solo).items()))
    return int(any(figure > bound for _, figure, bound, _ in rows))


if __name__ == "__main__":
    sys.exit(main())
