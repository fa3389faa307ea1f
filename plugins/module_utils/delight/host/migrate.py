"""Act `migrate`: ask for pending migrations, or run them, in a one-off container of the new image."""

from __future__ import annotations

from typing import Any

from . import command, once, redact, store


def migrate(at: store.Store, params: dict[str, Any]) -> dict[str, Any]:
    """For each of `params["migrate"]` ({"service", "check", "check_timeout_s", "command",
    "timeout_s"}): list what is pending; run it if `params["apply"]`.

    `check` prints one pending revision a line and nothing when there is none. The database's own
    advisory lock, taken by the command, makes a second runner wait.
    """
    state = at.own(params["run"]["id"])
    at.phase(state, "migrating")
    release = params["release"]
    secrets = redact.of_release(at.releases / release)
    pending: dict[str, list[str]] = {}
    applied = []
    for one in params["migrate"]:
        service = one["service"]
        ran = once.run_once(at, release, service, one["check"], one["check_timeout_s"])
        if ran.late or ran.status:
            return broken(service, ran, "check_timeout", secrets)
        pending[service] = once.lines(ran, secrets)
        if pending[service] and params["apply"]:
            ran = once.run_once(at, release, service, one["command"], one["timeout_s"])
            if ran.late or ran.status:
                return broken(service, ran, "timeout", secrets)
            applied += pending[service]
    at.phase(state, "migrated")
    waiting = {
        service: lines for service, lines in pending.items() if lines and not params["apply"]
    }
    message = f"applied {len(applied)} migrations" if applied else "no migration was pending"
    return {
        "outcome": "pending" if waiting else "ok",
        "pending": waiting,
        "applied": applied,
        "changed": bool(applied),
        "message": message,
    }


def broken(service: str, ran: command.Ran, key: str, secrets: redact.Secrets) -> dict[str, Any]:
    """The outcome of a migration command that failed, or took longer than its `key` allows."""
    shown = once.evidence(f"{service} migration", ran, f"services.{service}.migrate.{key}", secrets)
    return {"outcome": "failed", "reason": f"{service}: {shown['reason']}", "sick": [shown]}
