"""Take out of texts what must not be seen."""

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Any

MASK = "[redacted]"

# What identifies a person or lets somebody act as one, wherever it comes from.
_PERSONAL = re.compile(
    r"""
    [\w.+-]+ (?: @ | %40 ) (?: [\w-]+ \. )+ [a-zA-Z]{2,}   # an e-mail address, maybe in a URL
    | eyJ[\w-]+ \. [\w-]+ (?: \.[\w-]* )?   # a JWT
    | (?<=\bBearer\ ) \S+
    """,
    re.VERBOSE,
)


# What is written the same in URLs, JSON, HTML, by a shell and by Python.
_PLAIN = re.compile(r"[A-Za-z0-9_.-]")
# What some characters have beside the ways that hold for all.
_NAMED = {
    " ": r"\+|",
    "\n": r"\\+n|",
    "\r": r"\\+r|",
    "\t": r"\\+t|",
    "&": "&amp;|",
    "<": "&lt;|",
    ">": "&gt;|",
    '"': "&quot;|",
    "'": r"""&apos;|'"'"'|'\\''|""",
}
_SHORTEST_BASE64 = 8


class Redactor:
    """Replaces each of `secrets` by a mask, however a program has written it down.

    As it is, in URLs, JSON, HTML, for a shell, as Python shows it, and in base64.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        # Longest first: a URL goes as a whole before the password inside it.
        texts = sorted({text for text in secrets if text}, key=len, reverse=True)
        ways = [*map(_written, texts), *(coded for text in texts for coded in _in_base64(text))]
        self._secrets = re.compile("|".join(ways) or "(?!)")

    def text(self, text: str) -> str:
        """The text without the secrets."""
        return self._secrets.sub(MASK, text)

    def anonymous(self, value: Any) -> Any:
        """The same tree of JSON without the secrets, e-mail addresses and tokens, keys included."""
        if isinstance(value, str):
            return _PERSONAL.sub(MASK, self.text(value))
        if isinstance(value, dict):
            return {self.anonymous(key): self.anonymous(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.anonymous(item) for item in value]
        return value


def _written(text: str) -> str:
    """An expression for a text in any of the ways that a program writes it down."""
    return "".join(re.escape(one) if _PLAIN.match(one) else _escaped(one) for one in text)


def _escaped(one: str) -> str:
    """An expression for a character: as it is, after backslashes, or by its number."""
    code = ord(one)
    in_utf8 = one.encode(errors="surrogatepass")
    in_utf16 = one.encode("utf-16-be", "surrogatepass").hex()
    numbers = [
        "".join(f"%{byte:02x}" for byte in in_utf8),
        "".join(rf"\\+x{byte:02x}" for byte in in_utf8),
        "".join(rf"\\+u{in_utf16[at : at + 4]}" for at in range(0, len(in_utf16), 4)),
        f"&#0*{code};",
        f"&#x0*{code:x};",
    ]
    return rf"(?:{_NAMED.get(one, '')}\\*{re.escape(one)}|(?i:{'|'.join(numbers)}))"


def _in_base64(text: str) -> Iterator[str]:
    """The characters of base64 that it alone determines, at each of the places it may begin at."""
    data = text.encode(errors="surrogatepass")
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(data)) * 8 // 6
        coded = base64.b64encode(bytes(before) + data)[first:end].decode()
        if len(coded) >= _SHORTEST_BASE64:
            yield "".join({"+": "[+-]", "/": "[/_]"}.get(one, one) for one in coded)
