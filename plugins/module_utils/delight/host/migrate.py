"""Act `migrate`: ask for pending migrations, or run them, in a one-off container of the new image."""

from __future__ import annotations

import subprocess
from typing import Any

from . import once, redact, store


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
        done = once.run_once(folder, params["release"], service, one["check"])
        if done.returncode:
            return broken(service, one["check"], done, secrets)
        pending[service] = [line for line in done.stdout.splitlines() if line.strip()]
        if pending[service] and params["apply"]:
            done = once.run_once(folder, params["release"], service, one["command"])
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


def broken(
    service: str, argv: list[str], done: subprocess.CompletedProcess[str], secrets: set[str]
) -> dict[str, Any]:
    """The outcome of a migration command that failed."""
    shown = once.evidence(f"{service} migration", argv, done, secrets)
    return {"outcome": "failed", "reason": f"{service}: {shown['reason']}", "sick": [shown]}
