"""TCP ports for the servers that tests start."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TypeVar

# From 32768 on the kernel gives ports to outgoing connections: one that was free when it was asked
# for may be taken before the server has started.
PORTS = range(20000, 32768)
TRIES = 8

Started = TypeVar("Started")


class PortTaken(Exception):
    """A server says that its port is in use."""


def free_ports(count: int) -> list[int]:
    """Different ports below the ephemeral ones that nobody listens on, on any address."""
    with ExitStack() as held:
        found: list[int] = []
        for _ in range(count * TRIES):
            probe = held.enter_context(socket.socket())
            with suppress(OSError):
                probe.bind(("", secrets.choice(PORTS)))
                found.append(probe.getsockname()[1])
            if len(found) == count:
                return found
    raise PortTaken(f"{count * TRIES} ports from {PORTS[0]} on tried, too few of them free")


def on_free_ports(count: int, start: Callable[..., Started]) -> Started:
    """What `start(port, …)` returns; while it raises PortTaken it is tried again on others."""
    for _ in range(TRIES - 1):
        with suppress(PortTaken):
            return start(*free_ports(count))
    return start(*free_ports(count))
