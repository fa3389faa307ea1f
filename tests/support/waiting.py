"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

# Bound of every wait: long enough for a busy machine, and nothing that works takes as long.
PATIENCE_S = 60


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Ask until it is so; fail with `what` when it does not get so within PATIENCE_S seconds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.02)
