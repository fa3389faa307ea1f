"""What is shown of a container's words."""

from __future__ import annotations

import pytest
from delight.host.redact import MASK, redact


@pytest.mark.promise("S3", "G4")
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("plain\twords, ünïcode", "plain\twords, ünïcode"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b]0;title\x07", "�[2J�]0;title�"),
        ("\x9b31m \x08\x7f\r", "�31m ���"),
        ("pass\x1b[1mword hunter22", "password ••••••"),
    ],
)
def test_a_log_moves_no_cursor_and_tells_no_secret(said: str, shown: str) -> None:
    assert redact(said, {"hunter22"}) == shown


def test_a_colour_within_a_secret_does_not_hide_it() -> None:
    assert redact("key \x1b[1mab\x1b[0mcd and abcd", {"abcd"}) == f"key {MASK} and {MASK}"
