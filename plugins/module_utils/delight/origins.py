"""Where a variable stands: its path within the variables, and the file it was read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from delight import vault_files


def leaves(value: Any, key: str = "", name: Any = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted key, the key as it was read, value) of everything that is neither mapping nor list."""
    if isinstance(value, Mapping):
        for inner, item in value.items():
            yield from leaves(item, f"{key}.{inner}" if key else str(inner), inner)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, f"{key}[{index}]", name)
    else:
        yield key, name, value


def tellable(path: str) -> str:
    """A path of variables as it may be told: no key within a secret, which may be what was meant as its value."""
    return ".".join(path.split(".")[:2]) if path.startswith("secrets.") else path


def origin(value: Any) -> tuple[str, int]:
    """Return (path, line) of a value read from YAML, or of an error; ("", 0) where Ansible does not tell."""
    try:
        from ansible._internal._datatag._tags import Origin
    except ImportError:  # a core without value tags: the message goes without the place
        return "", 0
    tag = value if isinstance(value, Origin) else Origin.get_tag(value)
    return (tag.path or "", tag.line_num or 0) if tag else ("", 0)


def from_vault(name: Any, value: Any) -> bool:
    """Whether a value, or the key it was read with, stands in a file that a vault encrypts."""
    return is_encrypted(origin(value)[0] or origin(name)[0])


@cache
def is_encrypted(path: str) -> bool:
    """Whether a file of variables is encrypted by a vault."""
    return Path(path).is_file() and vault_files.identity(Path(path)) is not None
