"""Write each role's README from its argument specification.

.venv/bin/python docs/generate.py            write
.venv/bin/python docs/generate.py --check    say which are stale, exit 1 if any is
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parents[1] / "roles"


def read(path: Path) -> dict[str, Any]:
    """Return a YAML mapping; {} for a file that is missing or empty."""
    return (yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def prose(text: str | list[str]) -> list[str]:
    """Return a description's paragraphs."""
    return [" ".join(part.split()) for part in ([text] if isinstance(text, str) else text)]


def default_text(option: dict[str, Any]) -> str:
    """Return the cell that says what holds when the argument is not given."""
    if option.get("required"):
        return "required"
    if "default" not in option:
        return ""
    value = option["default"]
    if isinstance(value, dict) and value:
        return "see [defaults](defaults/main.yml)"
    return f"`{json.dumps(value)}`"


def rows(options: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield one line of the table for each option and, below it, each of its own."""
    for name, option in options.items():
        kind = option.get("type", "str")
        if kind == "list" and "elements" in option:
            kind = f"list of {option['elements']}"
        text = " ".join(prose(option["description"])).replace("|", "\\|")
        yield f"| `{prefix}{name}` | {kind} | {default_text(option)} | {text} |"
        yield from rows(option.get("options", {}), f"{prefix}{name}.")


def readme(role: Path) -> str:
    """Return the whole text of a role's README."""
    spec = read(role / "meta" / "argument_specs.yml").get("argument_specs", {}).get("main") or {}
    meta = read(role / "meta" / "main.yml").get("galaxy_info", {})
    lines = [f"# {role.name}", ""]
    for paragraph in prose(spec.get("description") or meta.get("description", "")):
        lines += [paragraph, ""]
    lines += ["## Arguments", ""]
    if spec.get("options"):
        lines += ["| name | type | default | meaning |", "|---|---|---|---|"]
        lines += [*rows(spec["options"]), ""]
    else:
        lines += ["None.", ""]
    lines.append("Generated from `meta/argument_specs.yml` by `docs/generate.py`.")
    return "\n".join(lines) + "\n"


def stale() -> list[Path]:
    """Return the READMEs that do not say what their specification says."""
    found = []
    for role in sorted(path.parent.parent for path in ROLES.glob("*/meta/argument_specs.yml")):
        path = role / "README.md"
        if not path.exists() or path.read_text(encoding="utf-8") != readme(role):
            found.append(path)
    return found


def main(argv: list[str]) -> int:
    """Write what is stale, or only name it."""
    paths = stale()
    for path in paths:
        if "--check" not in argv:
            path.write_text(readme(path.parent), encoding="utf-8")
        print(path.relative_to(ROLES.parent))
    return 1 if paths and "--check" in argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
