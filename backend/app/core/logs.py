"""Logs as JSON lines on stdout, with the release and the request's id, secrets taken out."""

import contextlib
import fcntl
import json
import logging
import os
import select
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime

from app.core import request_id
from app.core.redact import Redactor

PIPE_B = 1 << 20


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, release, request_id, fields."""

    def __init__(self, release: str, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._release = release
        self._clean = Redactor(secrets).text

    def format(self, record: logging.LogRecord) -> str:
        """The line; values of `extra={"fields": {...}}` stand beside the fixed keys."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._clean(record.getMessage()),
            "release": self._release,
        }
        if (current := request_id.current.get()) is not None:
            entry["request_id"] = current
        for key, value in getattr(record, "fields", {}).items():
            entry[key] = self._clean(value) if isinstance(value, str) else value
        if record.exc_info:
            entry["exception"] = self._clean("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(entry, default=str, ensure_ascii=False)


class PatientPipe(logging.Handler):
    """Lines to a file descriptor, and never a wait for whoever reads it.

    A container's output is a pipe that the engine empties. While the engine is down nobody does:
    after 64 KiB, some 300 lines, each further line would stop the request that writes it. So the
    pipe is made as large as the kernel allows, and what finds no room is dropped, counted, and told
    once there is room.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._room = select.poll()
        self._room.register(descriptor, select.POLLOUT)
        self._lost = 0
        self._cut = False  # whether the last line found room for a part of it only
        with contextlib.suppress(OSError):  # a file or a terminal, or a kernel that allows no more
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_B)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, after how many were lost before it; or lose it."""
        try:
            line = self.format(record)
        except Exception:
            self.handleError(record)
            return
        if self._lost and self._write(self.format(lost(self._lost))):
            self._lost = 0
        if self._lost or not self._write(line):
            self._lost += 1

    def _write(self, line: str) -> bool:
        """Whether there was room for the line; of one that is longer than a page, for all of it."""
        data = f"{line}\n".encode()
        if self._cut:
            data = b"\n" + data
        written = 0
        # A pipe that is ready takes a page without a wait.
        while written < len(data) and self._room.poll(0):
            page = data[written : written + select.PIPE_BUF]
            written += os.write(self._descriptor, page)
        if written:
            self._cut = written < len(data)
        return written == len(data)


def lost(count: int) -> logging.LogRecord:
    """The line that tells of those that found no room."""
    message = f"{count} lines were lost: nobody read them in time"
    return logging.makeLogRecord(
        {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING", "msg": message}
    )


def configure(level: str, release: str, secrets: Iterable[str] = ()) -> None:
    """Send every logger's lines to stdout as JSON, from `level` up."""
    handler = PatientPipe(sys.stdout.fileno())
    handler.setFormatter(JsonFormatter(release, secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
