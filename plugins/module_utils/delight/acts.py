"""What an act's task is told; `view` knows what was said so far."""

from __future__ import annotations

from typing import Any

from delight import telling
from delight.config import Value
from delight.view import View


def params(name: str, view: View, value: Value) -> dict[str, Any]:
    """The parameters of act `name` for the host of `view`; goes to its standard input as JSON."""
    if name == "look":
        return telling.base(value)
    if name == "mend":
        return telling.mend(view.act("look")[view.host], value)
    before = {act: view.act(act) for act in ("lock", "prepare")} if name == "undo" else {}
    known = telling.Known(view.decision("plan"), view.looks(), before, value)
    return telling.ACTS[name](known, view.host)
