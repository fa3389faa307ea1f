"""What is shown of a container's words."""

from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from delight.host.redact import EXCERPT, MASK, excerpt, known, redact
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.promise("S3", "G4")

AWKWARD = "pä ss'w\"o<r>d&/$+%\\`42"
WAYS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "a part of a URL": lambda text: quote(text, safe=""),
    "a path": quote,
    "a form": quote_plus,
    "small hexadecimal": lambda text: quote(text, safe="").replace("%C3%A4", "%c3%a4"),
    "JSON": json.dumps,
    "JSON in unicode": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "Python": repr,
    "bytes": lambda text: repr(text.encode()),
    "HTML": html.escape,
    "HTML of templates": lambda text: html.escape(text).replace("&quot;", "&#34;"),
    "XML": lambda text: html.escape(text, quote=False),
    "a shell": shlex.quote,
    "a shell's trace": lambda text: "'" + text.replace("'", "'\\''") + "'",
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64, URL-safe": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(text.encode()).decode(),
    "a login": lambda text: base64.b64encode(f"me:{text}".encode()).decode(),
    "a longer login": lambda text: base64.b64encode(f"user:{text}!".encode()).decode(),
}


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
    assert redact(said, known(["hunter22"])) == shown


def test_a_colour_within_a_secret_does_not_hide_it() -> None:
    assert redact("key \x1b[1mab\x1b[0mcd and abcd", known(["abcd"])) == f"key {MASK} and {MASK}"


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_is_known_however_it_is_written(way: str) -> None:
    shown = redact(f"it is {WAYS[way](AWKWARD)}.", known([AWKWARD]))
    assert MASK in shown and "42" not in shown and "NDI" not in shown
    # What other bytes share a character with may be left of base64, and quotes.
    assert len(shown.replace(MASK, "")) <= len("it is .") + len("bWU6cA") + 4, shown


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=4, max_size=80))
def test_no_way_of_writing_it_needs_a_special_text(value: str) -> None:
    secrets = known([value])
    for way, write in WAYS.items():
        short = len(value.encode()) < 9 and ("base64" in way or "login" in way)
        assert short or MASK in redact(write(value), secrets), way


def test_lines_and_the_password_of_a_url_are_secrets_of_their_own() -> None:
    key = "first line of it\nsecond line"
    assert redact("second line", known([key])) == MASK
    assert redact(json.dumps(key), known([key])) == f'"{MASK}"'
    assert (
        redact("its password hunter/22", known(["redis://:hunter%2F22@h"]))
        == f"its password {MASK}"
    )


def test_what_is_too_short_blanks_out_nothing() -> None:
    assert redact("abc", known(["abc"])) == "abc"
    assert redact("YWJjZA", known(["abcd"])) == "YWJjZA", "it may stand in ordinary words"
    assert redact("anything", known([])) == "anything"


def test_an_excerpt_is_cut_when_no_secret_is_in_it_any_more() -> None:
    said = "x" * (EXCERPT - 4) + "hunter22" + "y" * EXCERPT + "hunter22" + "z" * (EXCERPT - 4)
    shown = excerpt(said, known(["hunter22"]))
    assert "hunt" not in shown and "er22" not in shown
    assert shown.startswith("xxx") and " … " in shown and shown.endswith("zzz")
    assert excerpt("short", known([])) == "short"
