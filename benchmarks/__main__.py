"""`python -m benchmarks`: deploys and rollbacks beside the bare engine, in one run.

Hosts are those of the fleet's stories. The application is ready 1 s after its start, images are
present, everything is on: vault, checks, gate, journal. Each round measures all, one after the other, for
machines are fast and slow by turns: read the ratios, not the seconds.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import far
from benchmarks.kamal import Kamal, missing
from benchmarks.runs import Floor, consumed, fresh, good, pair, solo, timed
from tests.fleet.support import setup
from tests.fleet.support.hosts import BIN, SOLO, Fleet

ROUNDS = 5
Ratios = tuple[tuple[str, str, str, float], ...]
# (name, what is measured, what it is compared with, the highest ratio that is well)
RATIOS: Ratios = (
    ("deploy, one host", "deploy", "floor", 2.4),
    ("deploy, two hosts", "two hosts: deploy", "deploy", 1.25),
    ("nothing to do", "nothing to do", "deploy", 0.5),
    ("rollback, warm slot", "rollback, warm", "deploy", 0.55),
    ("rollback, stopped slot", "rollback, stopped", "deploy", 1.0),
    ("a release that exits at once, said after", "bad", "deploy", 0.9),
    ("CPU of the controller", "CPU", "CPU of ansible-playbook --version", 4.0),
)
# Kamal starts a new container where this moves traffic to a slot that is warm.
AGAINST_KAMAL: Ratios = (
    ("deploy, one host", "deploy", "Kamal: deploy", 0.85),
    ("deploy, two hosts", "two hosts: deploy", "Kamal, two hosts: deploy", 0.85),
    ("nothing to do", "nothing to do", "Kamal: nothing to do", 0.4),
    ("rollback, warm slot", "rollback, warm", "Kamal: rollback", 0.7),
    ("the same, two hosts", "two hosts: rollback, warm", "Kamal, two hosts: rollback", 0.65),
    ("rollback, stopped slot", "rollback, stopped", "Kamal: rollback", 1.1),
    ("with 50 ms: deploy", "50 ms: deploy", "Kamal, 50 ms: deploy", 0.8),
    ("with 50 ms: rollback, warm slot", "50 ms: rollback, warm", "Kamal, 50 ms: rollback", 0.6),
    ("with 50 ms: stopped slot", "50 ms: rollback, stopped", "Kamal, 50 ms: rollback", 0.9),
)
# The way to a host that is 50 ms away.
FAR = {"ansible_ssh_extra_args": f'-o ProxyCommand="{far.PROXY}"'}


def measured(one: Fleet, two: Fleet, floor: Floor) -> dict[str, float]:
    """Seconds of every kind of run, once."""
    found = {"floor": floor.seconds()}
    good(one.deploy("v1", services=fresh()))
    services = fresh()
    found["deploy"] = timed(lambda: good(one.deploy("v1", services=services)))
    found["nothing to do"] = timed(lambda: good(one.deploy("v1", services=services)))
    found["rollback, warm"] = timed(lambda: good(one.rollback()))
    for _ in range(2):
        good(one.deploy("v1", services=fresh(warm="0s")))
    found["rollback, stopped"] = timed(lambda: good(one.rollback()))
    found["bad"] = timed(partial(one.deploy, "exits_at_once", services=fresh()))
    good(two.deploy("v1", services=fresh()))
    found["two hosts: deploy"] = timed(lambda: good(two.deploy("v1", services=fresh())))
    found["two hosts: rollback, warm"] = timed(lambda: good(two.rollback()))
    with tempfile.TemporaryDirectory() as folder:
        log, playbook = Path(folder) / "log", BIN / "ansible-playbook"
        found["CPU of ansible-playbook --version"] = consumed([playbook, "--version"], log)[1]
        said = json.dumps({"version": "v1", "services": fresh()})
        found["CPU"] = consumed([playbook, "deploy.yml", "-i", SOLO, "-e", said], log)[1]
    return found


def measured_afar(one: Fleet) -> dict[str, float]:
    """Runs over a link of 50 ms, once each."""
    found = {}
    services = fresh()
    found["50 ms: deploy"] = timed(lambda: good(one.deploy("v1", services=services, **FAR)))
    found["50 ms: rollback, warm"] = timed(lambda: good(one.rollback(**FAR)))
    for _ in range(2):
        good(one.deploy("v1", services=fresh(warm="0s")))
    found["50 ms: rollback, stopped"] = timed(lambda: good(one.rollback(**FAR)))
    return found


def beside(others: dict[str, Kamal]) -> dict[str, float]:
    """The same of Kamal, by the fleet it is on."""
    found = {}
    for where, kamal in others.items():
        kamal.deploy()
        found[f"Kamal{where}: deploy"] = timed(kamal.deploy)
        found[f"Kamal{where}: nothing to do"] = timed(kamal.deploy_again)
        found[f"Kamal{where}: rollback"] = timed(kamal.rollback)
    if near := others.get(""):
        near.go_by(far.PROXY)
        found["Kamal, 50 ms: deploy"] = timed(near.deploy)
        found["Kamal, 50 ms: rollback"] = timed(near.rollback)
        near.go_by("none")
    return found


def phases(fleet: Fleet) -> dict[str, float]:
    """Seconds of each act in one more deploy, the slowest host's."""
    acts = good(fleet.deploy("v1", services=fresh())).result["acts"]
    return {
        name: max(o.get("took_s", 0) for o in outcomes.values()) for name, outcomes in acts.items()
    }


def compare(rounds: list[dict[str, float]], ratios: Ratios) -> tuple[Table, int]:
    """A table of ratios, and how many are above their bounds."""
    table, missed = Table("measure", "ratio", "bound", "to"), 0
    for name, what, to, bound in ratios:
        ratio = statistics.median(found[what] / found[to] for found in rounds)
        missed += ratio > bound
        style = "green" if ratio <= bound else "red"
        table.add_row(name, f"[{style}]{ratio:.2f}[/{style}]", f"≤ {bound:g}", to)
    return table, missed


def main() -> int:
    """Measure, print, and say which bound is not met; 1 if any is not."""
    setup.ensure()
    one, two = solo(), pair()
    floor, console = Floor.on(one), Console()
    without = missing()
    with ExitStack() as running:
        others: dict[str, Kamal] = {}
        if not without:
            others[""] = running.enter_context(Kamal.on(one))
            others[", two hosts"] = running.enter_context(Kamal.on(two))
        rounds = [
            measured(one, two, floor) | measured_afar(one) | beside(others) for _ in range(ROUNDS)
        ]
    table, missed = compare(rounds, RATIOS if without else RATIOS + AGAINST_KAMAL)
    console.print(table)
    if without:
        console.print(f"Nothing was compared with Kamal: {without}.")
    seconds = {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
    console.print("seconds: " + ", ".join(f"{k} {v:.2f}" for k, v in seconds.items()))
    console.print("acts of a deploy: " + ", ".join(f"{k} {v:.2f}" for k, v in phases(one).items()))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
