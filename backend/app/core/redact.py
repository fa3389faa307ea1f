"""Take out of texts what must not be seen."""

import re
from collections.abc import Iterable
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


class Redactor:
    """Replaces each of `secrets` by a mask."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # Longest first: a URL goes as a whole before the password inside it.
        self._secrets = sorted({text for text in secrets if text}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def anonymous(self, value: Any) -> Any:
        """The same tree of JSON without the secrets, e-mail addresses and tokens, keys included."""
        if isinstance(value, str):
            return _PERSONAL.sub(MASK, self.text(value))
        if isinstance(value, dict):
            return {self.anonymous(key): self.anonymous(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.anonymous(item) for item in value]
        return value
