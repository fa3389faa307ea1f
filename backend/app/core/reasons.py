"""Why something could not be used, in our words.

Exception texts of drivers may hold hosts, users or whole connection strings; these never do.
"""

import socket
from collections.abc import Iterator
from typing import NamedTuple


class Reason(NamedTuple):
    """A sentence, and whether a server was there to refuse us."""

    text: str
    reached: bool = False


def explain_os_error(error: OSError) -> Reason:
    """What the network said."""
    if isinstance(error, ConnectionRefusedError):
        return Reason("connection refused")
    if isinstance(error, TimeoutError):
        return Reason("timed out")
    if isinstance(error, socket.gaierror):
        return Reason("host name not found")
    return Reason("connection failed")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, then what it was raised from; drivers wrap each other."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__
