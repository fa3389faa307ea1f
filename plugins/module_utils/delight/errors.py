"""Errors of ours, and what any error says to a person: one line, the place, and no value that may be secret."""

from __future__ import annotations

import traceback
from pathlib import Path


class ConfigError(ValueError):
    """Every mistake of a configuration, one line each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def cause(error: Exception) -> str:
    """What went wrong. What a filter or a lookup says of its input is left out: it may quote it."""
    from ansible.errors import AnsibleError, AnsibleUndefinedVariable

    if isinstance(error, AnsibleUndefinedVariable):
        return first_line(error)
    if isinstance(error, AnsibleError):
        return first_line(error).partition(": ")[0]
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}"


def first_line(error: Exception) -> str:
    """The first line of an error's text that says anything."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
