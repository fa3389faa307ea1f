"""What a long act is at, for the person who waits. Never a value: it is shown as it stands here."""

from __future__ import annotations

_at = [""]


def step(what: str) -> None:
    """The act is at this step now."""
    _at[0] = what


def now() -> str:
    """The step that the act is at."""
    return _at[0]
