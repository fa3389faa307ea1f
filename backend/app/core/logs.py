"""Logs as JSON lines on stdout, with the release and the request's id, secrets taken out."""

import json
import logging
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime

from app.core import request_id
from app.core.redact import Redactor


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


def configure(level: str, release: str, secrets: Iterable[str] = ()) -> None:
    """Send every logger's lines to stdout as JSON, from `level` up."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(release, secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
