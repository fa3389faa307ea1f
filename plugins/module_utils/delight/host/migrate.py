"""Act `migrate`: ask for pending migrations, or run them, in a one-off container of the new image."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from . import redact, store
from .addresses import SLOT_DIGITS


def migrate(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """For each of `params["migrate"]` ({"service", "check", "command"}): list what is pending; run it
    if `params["apply"]`.

    `check` prints one pending revision a line and nothing when there is none. The database's own
    advisory lock, taken by the command, makes a second runner wait.
    """
    state = at.own(params["run"]["id"])
    at.phase(state, "migrating")
    folder = at.releases / params["release"]
    secrets = redact.secret_values(folder)
    pending: dict[str, list[str]] = {}
    applied = []
    for one in params["migrate"]:
        service = one["service"]
        done = run_once(folder, params["release"], service, one["check"])
        if done.returncode:
            return broken(service, one["check"], done, secrets)
        pending[service] = [line for line in done.stdout.splitlines() if line.strip()]
        if pending[service] and params["apply"]:
            done = run_once(folder, params["release"], service, one["command"])
            if done.returncode:
                return broken(service, one["command"], done, secrets)
            applied += pending[service]
    at.phase(state, "migrated")
    waiting = {
        service: lines for service, lines in pending.items() if lines and not params["apply"]
    }
    told = f"applied {len(applied)} migrations" if applied else "no migration was pending"
    return {
        "outcome": "pending" if waiting else "ok",
        "pending": waiting,
        "applied": applied,
        "changed": bool(applied),
        "told": told,
    }


def command(folder: os.PathLike[str], service: str, argv: list[str]) -> list[str]:
    """The command that runs `argv` once in the release's own environment, without a fixed address."""
    head = ["docker", "compose", "--progress", "quiet", "--project-name", f"delight-{service}-once"]
    file = ["--file", f"{folder}/compose.yml", "--profile", "once"]
    return [*head, *file, "run", "--rm", "--no-deps", "-T", f"{service}-once", *argv]


def run_once(
    folder: os.PathLike[str], release: str, service: str, argv: list[str]
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; a migration has no time limit of ours, the database has its own."""
    variables = {"RELEASE": release, "SLOT": "once", "SLOT_DIGIT": SLOT_DIGITS["blue"]}
    environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", "HOME": "/nonexistent", **variables}
    return subprocess.run(
        command(folder, service, argv), env=environment, capture_output=True, text=True, check=False
    )


def broken(
    service: str, argv: list[str], done: subprocess.CompletedProcess[str], secrets: set[str]
) -> dict[str, Any]:
    """The outcome of a migration command that failed, with its last lines."""
    lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()][-30:]
    shown = {
        "name": f"{service} migration",
        "event": "exited",
        "reason": f"{' '.join(argv)} ended with status {done.returncode}",
        "answer": "",
        "logs": [redact.redact(line, secrets) for line in lines],
        "health_log": [],
    }
    return {"outcome": "failed", "reason": f"{service}: {shown['reason']}", "sick": [shown]}
