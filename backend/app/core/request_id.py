"""The id of the request being served: for log lines, answers and error reports."""

import os
import re
from contextvars import ContextVar

HEADER = b"x-request-id"
# What a caller may choose: short, and nothing that could forge a log line or a header.
_SANE = re.compile(r"[A-Za-z0-9._:-]{1,64}")

current: ContextVar[str | None] = ContextVar("request_id", default=None)


def choose(headers: list[tuple[bytes, bytes]]) -> str:
    """The caller's X-Request-ID if there is exactly one and it is sane, else a new id."""
    given = [value.decode("latin-1") for name, value in headers if name == HEADER]
    if len(given) == 1 and _SANE.fullmatch(given[0]):
        return given[0]
    return os.urandom(16).hex()
