"""Log lines, and a reader that is gone for a while."""

import fcntl
import json
import logging
import os
from collections.abc import Iterator

import pytest

from app.core.logs import PIPE_B, JsonFormatter, PatientPipe

LINE = "x" * 900


@pytest.fixture
def pipe() -> Iterator[tuple[int, logging.Logger]]:
    """The end that is read, and a logger that writes to the other."""
    reader, writer = os.pipe()
    handler = PatientPipe(writer)
    handler.setFormatter(JsonFormatter("v1"))
    logger = logging.Logger("pipe", logging.INFO)
    logger.addHandler(handler)
    yield reader, logger
    os.close(reader)
    os.close(writer)


def drained(reader: int) -> list[dict[str, object]]:
    """All lines that wait to be read."""
    os.set_blocking(reader, False)
    data = b""
    try:
        while piece := os.read(reader, 1 << 16):
            data += piece
    except BlockingIOError:
        pass
    return [json.loads(line) for line in data.splitlines()]


def test_lines_that_nobody_reads_hold_nobody_up(pipe: tuple[int, logging.Logger]) -> None:
    reader, logger = pipe
    room = fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ)
    assert room in (PIPE_B, 1 << 16), "as large as the kernel allows"
    sent = room // len(LINE) + 50
    for number in range(sent):
        logger.info("%d %s", number, LINE)
    kept = drained(reader)
    assert 0 < len(kept) < sent
    logger.info("again")
    told, again = drained(reader)
    assert told["message"] == f"{sent - len(kept)} lines were lost: nobody read them in time"
    assert (told["level"], told["release"]) == ("WARNING", "v1")
    assert again["message"] == "again"
    logger.info("and on")
    assert [line["message"] for line in drained(reader)] == ["and on"]


def test_a_line_longer_than_a_page_is_whole(pipe: tuple[int, logging.Logger]) -> None:
    reader, logger = pipe
    logger.info("y" * 20_000)
    [line] = drained(reader)
    assert line["message"] == "y" * 20_000
