"""What a long act says while it goes on; where nobody listens it is lost."""

from __future__ import annotations

from collections.abc import Callable

# How long somebody looks at nothing new.
EVERY_S = 10.0

_listeners: list[Callable[[str], None]] = []


def listen(to: Callable[[str], None]) -> None:
    """Have every line go to `to`."""
    _listeners.append(to)


def say(line: str) -> None:
    """One line for the person who waits."""
    for listener in _listeners:
        listener(line)
