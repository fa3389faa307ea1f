"""Texts that are shown to a person carry no secret of the release they are about, and move no cursor."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from . import envfile

MASK = "••••••"
# Shorter values would blank out ordinary words and figures.
SHORTEST = 4
# What colours a line goes without a trace; any other control character is shown as one that is none.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def secret_values(release: Path) -> set[str]:
    """Every form in which a secret of the release in this folder could stand in a text."""
    values = set()
    for file in release.glob("secrets/*/*"):
        values |= forms(file.read_text(errors="replace").strip())
    for file in release.glob("secrets/*.env"):
        for value in envfile.read(file.read_text(errors="replace")).values():
            values |= forms(value.strip())
    return values


def forms(value: str) -> set[str]:
    """The value itself, its lines, the password of a URL, and the percent-encoded ways to write them."""
    found = {value, *value.splitlines()}
    try:
        password = urlsplit(value).password if "://" in value else None
    except ValueError:
        password = None
    if password:
        found |= {password, unquote(password)}
    found |= {quote(text, safe="") for text in found}
    return {text for text in found if len(text) >= SHORTEST}


def redact(text: str, values: set[str]) -> str:
    """`text` with every one of `values` masked, the longest first, and nothing that a terminal obeys.

    A sick container's log may hold what clears a screen, sets a title or types for its reader.
    """
    text = COLOUR.sub("", text)  # first: it may stand within a secret
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, MASK)
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
