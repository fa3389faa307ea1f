"""The commands in the documentation, as data.

A block of code in a page is one of:
  console   lines that begin with `$ ` are commands, what follows is what they print; a test runs them.
            `…` in it stands for anything, a line of `…` alone for any lines. A comment before the block
            says where they are not compared:  <!-- shown: the first run -->
  sh        commands that no test runs as they stand; a comment before the block says why:
            <!-- not run: needs a project at Vercel -->
            <!-- run by: tests/dev -->
  anything else, `text` among them: no commands.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(
    r"(?:<!-- (?P<note>[^>]*) -->\n+)?^```(?P<kind>[\w-]*)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PROMPT = re.compile(r"^\$ ", re.MULTILINE)
# What differs from run to run: times, dates, digests, commits, marks of a changed tree.
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)"), "<date>"),
    (re.compile(r"\d+(?:\.\d+)? (ms|s|min|h)\b"), r"<number> \1"),
    (re.compile(r"\b[0-9a-f]{8,64}\b"), "<hex>"),
)
ANYTHING = "…"


@dataclass(frozen=True)
class Block:
    """One block of code: its kind, what it holds, and the comment before it or ''."""

    kind: str
    body: str
    note: str


@dataclass(frozen=True)
class Command:
    """A line to type and the lines that it prints; None where the page shows nothing of them."""

    line: str
    shown: tuple[str, ...] | None


def blocks(page: Path) -> Iterator[Block]:
    """All blocks of code of a page."""
    for found in FENCE.finditer(page.read_text(encoding="utf-8")):
        yield Block(found["kind"], found["body"], found["note"] or "")


def commands(page: Path) -> list[Command]:
    """What a page has its reader type, in order."""
    found = []
    for block in blocks(page):
        if block.kind == "console":
            compared = not block.note.startswith("shown: ")
            for part in PROMPT.split(block.body)[1:]:
                line, shown = typed(part)
                found.append(Command(line, tuple(shown) if shown and compared else None))
    return found


def typed(text: str) -> tuple[str, list[str]]:
    """The line that begins a text, with those that it goes on in, and the lines after it."""
    lines = text.splitlines()
    count = 1 + next(n for n, line in enumerate(lines) if not line.endswith("\\"))
    return "\n".join(lines[:count]), lines[count:]


def follow(page: Path, typing: Callable[[str], subprocess.CompletedProcess[str]]) -> None:
    """Type all that a page has its reader type: each ends well and prints what the page shows."""
    for command in commands(page):
        done = typing(command.line)
        said = f"$ {command.line}\n{done.stdout}"
        assert done.returncode == 0, said
        if command.shown is not None:
            assert not (wrong := differs(command.shown, done.stdout)), f"{wrong}\n{said}"


def plain(text: str) -> str:
    """A line without what differs from run to run."""
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return " ".join(text.split())


def differs(shown: tuple[str, ...], printed: str) -> str:
    """The first shown line that the output has not in its place; '' when it is as shown."""
    wanted = [line for line in shown if line.strip()]
    text = "".join(f"{plain(line)}\n" for line in printed.splitlines() if line.strip())
    for count, line in enumerate(wanted, start=1):
        if not re.match("".join(map(pattern, wanted[:count])), text):
            return line
    if not re.fullmatch("".join(map(pattern, wanted)), text):
        return "nothing more, but it prints more"
    return ""


def pattern(line: str) -> str:
    """What matches a shown line in a text of plain lines."""
    if line.strip() == ANYTHING:
        return r"(?:.*\n)*?"
    return ".*".join(map(re.escape, plain(line).split(ANYTHING))) + r"\n"
