"""A replica before the gate, and what the gate asks of it."""

from __future__ import annotations

from typing import Any

DIED = "its container exited with status 1"
REPLICA = {"id": "c1", "name": "api-1", "address": "127.0.0.1", "restarted": 0}


def health(port: int, **changes: Any) -> dict[str, Any]:
    found = {
        "port": port,
        "path": "/health",
        "ready": "/ready",
        "host": "app.test",
        "status": 200,
        "successes": 3,
        "interval_s": 0.001,
        "timeout_s": 30.0,
        "release": "json:release",
        "steady_s": 0.0,
    }
    return found | changes
