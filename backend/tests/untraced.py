"""A plugin of coverage: nothing is traced while a module of somebody else is imported.

Most of a process's start is such imports. None of their lines is measured, but a tracer makes
Python run them by the slow way: a quarter of each start.
"""

import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

BACKEND = Path(__file__).resolve().parents[1]
OURS = tuple(f"{BACKEND / folder}/" for folder in ("app", "migrations", "tests"))

_execute = SourceFileLoader.exec_module


def execute(loader: SourceFileLoader, module: ModuleType) -> None:
    """Run the module's code; the tracer comes back after it."""
    tracer = sys.gettrace()
    if loader.path.startswith(OURS):
        _execute(loader, module)
        return
    sys.settrace(None)
    try:
        _execute(loader, module)
    finally:
        sys.settrace(tracer)


def coverage_init(_registry: Any, _options: dict[str, str]) -> None:
    """What coverage calls before it begins to trace."""
    SourceFileLoader.exec_module = execute  # type: ignore[assignment, method-assign]
