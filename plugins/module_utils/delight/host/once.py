"""One-off containers of a kept release: its image, settings and secrets, without a fixed address."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from . import redact
from .addresses import SLOT_DIGITS


def command(folder: os.PathLike[str], service: str, argv: list[str]) -> list[str]:
    """The command that runs `argv` once in the release's own environment, without a fixed address."""
    head = ["docker", "compose", "--progress", "quiet", "--project-name", f"delight-{service}-once"]
    file = ["--file", f"{folder}/compose.yml", "--profile", "once"]
    return [*head, *file, "run", "--rm", "--no-deps", "-T", f"{service}-once", *argv]


def run_once(
    folder: os.PathLike[str], release: str, service: str, argv: list[str]
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; what it asks has its own time limits."""
    variables = {"RELEASE": release, "SLOT": "once", "SLOT_DIGIT": SLOT_DIGITS["blue"]}
    environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", "HOME": "/nonexistent", **variables}
    return subprocess.run(
        command(folder, service, argv), env=environment, capture_output=True, text=True, check=False
    )


def evidence(
    what: str, argv: list[str], done: subprocess.CompletedProcess[str], secrets: set[str]
) -> dict[str, Any]:
    """What a person needs to see of a command that failed, without a secret: its last lines."""
    lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()][-30:]
    return {
        "name": what,
        "event": "exited",
        "reason": f"{' '.join(argv)} ended with status {done.returncode}",
        "answer": "",
        "logs": [redact.redact(line, secrets) for line in lines],
        "health_log": [],
    }
