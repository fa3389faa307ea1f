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
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.runs import Floor, consumed, fresh, good, pair, solo, timed
from tests.fleet.support import setup
from tests.fleet.support.hosts import BIN, SOLO, Fleet

ROUNDS = 5
# (name, what is measured, what it is compared with, the highest ratio that is well)
RATIOS = (
    ("deploy, one host", "deploy", "floor", 2.0),
    ("deploy, two hosts", "deploy, two hosts", "deploy", 1.25),
    ("nothing to do", "nothing to do", "deploy", 0.45),
    ("rollback, warm slot", "rollback, warm", "deploy", 0.55),
    ("rollback, stopped slot", "rollback, stopped", "deploy", 1.0),
    ("a release that exits at once, said after", "bad", "deploy", 0.9),
    ("CPU of the controller", "CPU", "CPU of ansible-playbook --version", 3.0),
)


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
    found["deploy, two hosts"] = timed(lambda: good(two.deploy("v1", services=fresh())))
    with tempfile.TemporaryDirectory() as folder:
        log, playbook = Path(folder) / "log", BIN / "ansible-playbook"
        found["CPU of ansible-playbook --version"] = consumed([playbook, "--version"], log)[1]
        said = json.dumps({"version": "v1", "services": fresh()})
        found["CPU"] = consumed([playbook, "deploy.yml", "-i", SOLO, "-e", said], log)[1]
    return found


def phases(fleet: Fleet) -> dict[str, float]:
    """Seconds of each act in one more deploy, the slowest host's."""
    acts = good(fleet.deploy("v1", services=fresh())).result["acts"]
    return {
        name: max(o.get("took_s", 0) for o in outcomes.values()) for name, outcomes in acts.items()
    }


def main() -> int:
    """Measure, print, and say which bound is not met; 1 if any is not."""
    setup.ensure()
    one, two = solo(), pair()
    floor = Floor.on(one)
    rounds = [measured(one, two, floor) for _ in range(ROUNDS)]
    table = Table("measure", "ratio", "bound", "to")
    missed = 0
    for name, what, to, bound in RATIOS:
        ratio = statistics.median(found[what] / found[to] for found in rounds)
        missed += ratio > bound
        style = "green" if ratio <= bound else "red"
        table.add_row(name, f"[{style}]{ratio:.2f}[/{style}]", f"≤ {bound:g}", to)
    console = Console()
    console.print(table)
    seconds = {name: statistics.median(found[name] for found in rounds) for name in rounds[0]}
    console.print("seconds: " + ", ".join(f"{k} {v:.2f}" for k, v in seconds.items()))
    console.print("acts of a deploy: " + ", ".join(f"{k} {v:.2f}" for k, v in phases(one).items()))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
