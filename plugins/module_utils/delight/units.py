"""Durations and sizes as people write them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_DURATIONS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZES_B = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def seconds(text: object) -> float:
    """`500ms`, `30s`, `10m`, `1h` → seconds. A bare number is refused: its unit would be a guess."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", str(text).strip())
    if not match:
        raise ValueError("is not a duration; write a number and ms, s, m or h, like 30s")
    return float(match[1]) * _DURATIONS_S[match[2]]


def size(text: object) -> int:
    """`512m`, `2g`, `1048576` → bytes (k, m and g are powers of 1024)."""
    match = re.fullmatch(r"(\d+)([kmg]?)b?", str(text).strip().lower())
    if not match:
        raise ValueError("is not a size; write a number and k, m or g, like 512m")
    return int(match[1]) * _SIZES_B[match[2]]


def kind(value: object) -> str:
    """The type of a value as a person calls it; the value itself may be a secret."""
    names: list[tuple[type | tuple[type, ...], str]] = [
        (bool, "a boolean"),
        ((int, float), "a number"),
        (str, "a text"),
        (Mapping, "a mapping"),
        ((list, tuple), "a list"),
    ]
    return next((name for types, name in names if isinstance(value, types)), "nothing")


def human(size_b: int) -> str:
    """Bytes → `1.5 GiB`, `512 MiB`."""
    unit, value = "KiB", size_b / 1024
    for larger in ("MiB", "GiB", "TiB"):
        if value < 1024:
            break
        unit, value = larger, value / 1024
    return f"{value:.4g} {unit}"
