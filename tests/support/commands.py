"""Commands of the project, typed in a copy of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
BOUND_S = 300


def run(folder: Path, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one to its end, with nothing said to Ansible by this process's environment; errors are in the output."""
    plain = {name: text for name, text in os.environ.items() if not name.startswith("ANSIBLE_")}
    path = {"PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "200", "ANSIBLE_FORCE_COLOR": "0"}
    return subprocess.run(
        [BIN / argv[0], *argv[1:]],
        cwd=folder,
        env=plain | path | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=BOUND_S,
    )
