"""Environment files in the dialect of Compose's own reader: `NAME='value'` a line."""

from __future__ import annotations

import re
from collections.abc import Mapping

ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"}
ESCAPED = re.compile(r"\\(.)")
MEANT = {"n": "\n", "r": "\r"}


def write(variables: Mapping[str, str]) -> str:
    """The text of a file with these variables, sorted by name."""
    return "".join(f"{name}={quoted(value)}\n" for name, value in sorted(variables.items()))


def read(text: str) -> dict[str, str]:
    """The variables of a text that `write` has made."""
    found = {}
    for line in text.split("\n")[:-1]:  # not splitlines: a value may hold other ends of a line
        name, _, value = line.partition("=")
        plain = value[1:-1]
        if value.startswith('"'):
            plain = ESCAPED.sub(lambda one: MEANT.get(one[1], one[1]), plain)
        found[name] = plain
    return found


def quoted(value: str) -> str:
    """Single quotes keep everything as it is; a value with one of its own is escaped instead."""
    if not set("'\n\r\\") & set(value):
        return f"'{value}'"
    return '"' + "".join(ESCAPES.get(char, char) for char in value) + '"'
