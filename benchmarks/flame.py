"""`python -m benchmarks.flame`: where the controller's side of a deploy spends its time, as a flame graph.

py-spy looks at all processes of the playbook, the conductor's among them, 200 times a second; what waits is left
out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.runs import fresh
from tests.fleet.support import setup
from tests.fleet.support.hosts import BIN, SOLO
from tests.fleet.support.playing import ROOT

GRAPH = ROOT / ".cache/flamegraph.svg"


def main() -> int:
    """Deploy to one host under the profiler; its status."""
    setup.ensure()
    GRAPH.parent.mkdir(exist_ok=True)
    said = json.dumps({"services": fresh(), "version": "v1"})
    playbook = [
        sys.executable,
        str(BIN / "ansible-playbook"),
        "deploy.yml",
        "-i",
        str(SOLO),
        "-e",
        said,
    ]
    profiler = [
        str(BIN / "py-spy"),
        "record",
        "--rate=200",
        "--subprocesses",
        "--output",
        str(GRAPH),
    ]
    status = subprocess.run([*profiler, "--", *playbook], cwd=ROOT, check=False).returncode
    print(f"{GRAPH.relative_to(Path.cwd())}: open it in a browser")
    return status


if __name__ == "__main__":
    sys.exit(main())
