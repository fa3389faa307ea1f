"""Texts that are shown to a person carry no secret of the release they are about, and move no cursor."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from . import envfile

MASK = "••••••"
# Shorter values would blank out ordinary words and figures.
SHORTEST = 4
SHORTEST_BASE64 = 8
EXCERPT = 300  # characters of either end
# What colours a line goes without a trace; any other control character is shown as one that is none.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
# What nothing writes otherwise: not in a URL, in JSON, in HTML, nor for a shell.
PLAIN = re.compile(r"[A-Za-z0-9_.-]")
# How some characters are written beside what holds for all.
NAMED = {
    " ": [r"\+"],
    "\n": [r"\\+n"],
    "\r": [r"\\+r"],
    "\t": [r"\\+t"],
    "&": ["&amp;"],
    "<": ["&lt;"],
    ">": ["&gt;"],
    '"': ["&quot;"],
    "'": ["&apos;", """'"'"'""", r"'\\''"],
}

Secrets = re.Pattern[str]


def of_release(release: Path) -> Secrets:
    """What the secrets of the release in this folder look like."""
    values = [file.read_text(errors="replace") for file in release.glob("secrets/*/*")]
    for file in release.glob("secrets/*.env"):
        values += envfile.read(file.read_text(errors="replace")).values()
    return known(value.strip() for value in values)


def known(values: Iterable[str]) -> Secrets:
    """What `values`, their lines and the passwords of URLs look like, however a program writes them down."""
    texts = {part for value in values for part in parts(value) if len(part) >= SHORTEST}
    ways = [written(text) for text in sorted(texts, key=len, reverse=True)]
    ways += [re.escape(coded) for text in sorted(texts) for coded in base64_of(text)]
    return re.compile("|".join(ways) or "(?!)")


def parts(value: str) -> Iterator[str]:
    """A value, and what of it may stand alone."""
    yield value
    yield from value.splitlines()
    try:
        password = urlsplit(value).password if "://" in value else None
    except ValueError:
        password = None
    if password:
        yield from (password, unquote(password))


def written(text: str) -> str:
    """An expression for a text as it is, in a URL, in quotes of JSON, Python or a shell, and in HTML."""
    return "".join(
        re.escape(one) if PLAIN.match(one) else f"(?:{'|'.join(escapes(one))})" for one in text
    )


def escapes(one: str) -> Iterator[str]:
    """Expressions for a character as it is or after backslashes, and by its number in all ways there are."""
    yield from NAMED.get(one, [])
    yield r"\\*" + re.escape(one)
    code = ord(one)
    data = one.encode(errors="surrogatepass")
    units = one.encode("utf-16-be", "surrogatepass").hex()
    in_utf16 = r"\\+u".join(["", *(units[at : at + 4] for at in range(0, len(units), 4))])
    in_utf8 = [prefix.join(["", *(f"{byte:02x}" for byte in data)]) for prefix in ("%", r"\\+x")]
    numbers = [*in_utf8, in_utf16, f"&#0*{code};", f"&#x0*{code:x};", rf"\\+x{code:02x}"]
    yield f"(?i:{'|'.join(numbers)})"


def base64_of(text: str) -> Iterator[str]:
    """The characters of base64 that it alone determines, at each of the three places it may begin at.

    At the first one in lines of 76 too, as `base64` and mail have it.
    """
    data = text.encode(errors="surrogatepass")
    found = base64.encodebytes(data).splitlines()[:-1]
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        found.append(base64.b64encode(bytes(before) + data)[first:end])
    for coded in found:
        if len(coded) >= SHORTEST_BASE64:
            yield from {coded.decode(), coded.translate(bytes.maketrans(b"+/", b"-_")).decode()}


def redact(text: str, secrets: Secrets) -> str:
    """`text` with every one of `secrets` masked, and nothing that a terminal obeys.

    A sick container's log may hold what clears a screen, sets a title or types for its reader.
    """
    text = COLOUR.sub("", text)  # first: it may stand within a secret
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", secrets.sub(MASK, text))


def excerpt(text: str, secrets: Secrets) -> str:
    """`text`, redacted, as far as a person reads it: its beginning and its end.

    It is cut last: of a secret that was cut through, the rest would be shown.
    """
    shown = redact(text, secrets)
    if len(shown) <= 2 * EXCERPT:
        return shown
    return f"{shown[:EXCERPT]} … {shown[-EXCERPT:]}"
