"""TCP ports for the servers that the tests start, each from a range of the worker's own."""

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TypeVar

# From 32768 on the kernel gives ports to outgoing connections: one that was free when it was asked
# for may be taken before the server has started.
FIRST, LAST = 10_000, 19_999
PER_WORKER = 1_000
TRIES = 8

Started = TypeVar("Started")


class PortTakenError(Exception):
    """A server says that its port is in use."""


def own_ports() -> range:
    """Those of this process, if pytest-xdist has started several."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + number * PER_WORKER % (LAST + 1 - FIRST)
    return range(first, first + PER_WORKER)


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on, on any address."""
    with ExitStack() as held:
        found: list[int] = []
        for _ in range(count * TRIES):
            probe = held.enter_context(socket.socket())
            with suppress(OSError):
                probe.bind(("", secrets.choice(own_ports())))
                found.append(probe.getsockname()[1])
            if len(found) == count:
                return found
    raise PortTakenError(f"too few of the ports {own_ports()} are free")


def on_free_ports(count: int, start: Callable[..., Started]) -> Started:
    """What `start(port, …)` returns; while it raises PortTakenError it is tried on others."""
    for _ in range(TRIES - 1):
        with suppress(PortTakenError):
            return start(*free_ports(count))
    return start(*free_ports(count))


def early_end(output: str) -> Exception:
    """Why a server has ended that should run, from what it has written."""
    taken = "address already in use" in output.lower()
    return PortTakenError(output) if taken else AssertionError(output)
