"""Boundaries: the places in an act where the world can be seen, or can break.

Everything that an act does to its host (a durable write, a rename, a call to the engine, a command to the
edge, a program) is two boundaries, before and after. A `Plan` breaks the world at one of them.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field


class Death(BaseException):
    """The process that performs an act is gone: nothing catches this, no clean-up runs."""


@dataclass
class Boundaries:
    """Counts the boundaries of one host; `watch` is called at each, then what is planned there."""

    watch: Callable[[str], None] = lambda label: None
    planned: dict[int, Callable[[str], None]] = field(default_factory=dict)
    count: int = 0
    labels: list[str] = field(default_factory=list)
    full: bool = False  # whether the disk takes nothing more

    def cross(self, label: str) -> None:
        """The act is at a boundary."""
        at, self.count = self.count, self.count + 1
        self.labels.append(label)
        self.watch(label)
        if at in self.planned:
            self.planned.pop(at)(label)
        if self.full and label.startswith("before write"):
            raise OSError(errno.ENOSPC, "No space left on device")

    def begin(self) -> None:
        """Count anew, with nothing planned."""
        self.count, self.labels, self.planned = 0, [], {}
