"""Write what is derived: roles' READMEs, the services' keys, and what is proved where.

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
from pydantic import BaseModel

ROOT = Path(__file__).resolve().parents[1]
ROLES = ROOT / "roles"
SERVICES = ROOT / "docs/reference/services.md"
sys.path[:0] = [str(ROOT), str(ROOT / "plugins/module_utils")]

from delight.service import Service  # noqa: E402

from docs import environments, promises  # noqa: E402
from tests.fleet.support import places  # noqa: E402


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


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield one line of the table for each key of a schema, and for those below it."""
    for name, field in model.model_json_schema()["properties"].items():
        info = model.model_fields[name]
        default = "required" if info.is_required() else f"`{json.dumps(plain(info.default))}`"
        below = nested(info.annotation)
        kind = kind_of(field) if field.get("type") == "array" or not below else "mapping"
        text = (info.description or "").replace("|", "\\|")
        yield f"| `{prefix}{name}` | {kind} | {'' if below else default} | {text} |"
        if below:
            yield from keys(below, f"{prefix}{name}.")


def kind_of(field: dict[str, Any]) -> str:
    """Return the type of a key in one word; an optional key has the type of what it may hold."""
    choices = [field, *(one for one in field.get("anyOf", []) if one.get("type") != "null")]
    found = next(filter(None, (one.get("unit") or one.get("type") for one in choices)), "text")
    return {"object": "mapping", "array": "list", "string": "text"}.get(found, found)


def plain(value: Any) -> Any:
    """Return a default as it would be written."""
    return value.model_dump() if isinstance(value, BaseModel) else value


def nested(annotation: Any) -> type[BaseModel] | None:
    """Return the schema inside an annotation like `list[Route]` or `Migrate | None`."""
    for kind in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def services() -> str:
    """Return the reference page of `services.<name>`."""
    return "\n".join(
        [
            "# Keys of a service",
            "",
            "Everything that `services.<name>` in `group_vars/all/services.yml` may say. A mistake is",
            "named by its path before any host is touched, all mistakes in one go. Durations carry a",
            "unit (`500ms`, `30s`, `10m`, `1h`), sizes too (`512m`, `2g`: powers of 1024).",
            "",
            "| key | type | default | meaning |",
            "|---|---|---|---|",
            *keys(Service),
            "",
            "Generated from `plugins/module_utils/delight/service.py` by `docs/generate.py`.",
            "",
        ]
    )


def pages() -> Iterator[tuple[Path, str]]:
    """Yield every derived page with the text it should have."""
    yield SERVICES, services()
    yield ROOT / "docs/reference/promises.md", promises.page()
    yield ROOT / "docs/reference/settings.md", environments.page()
    yield ROOT / "docs/reference/hygiene.md", places.page()
    for role in sorted(path.parent.parent for path in ROLES.glob("*/meta/argument_specs.yml")):
        yield role / "README.md", readme(role)


def stale() -> list[tuple[Path, str]]:
    """Return the pages that do not say what they are derived from."""
    return [
        (path, text)
        for path, text in pages()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(argv: list[str]) -> int:
    """Write what is stale, or only name it."""
    found = stale()
    for path, text in found:
        if "--check" not in argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 1 if found and "--check" in argv else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
