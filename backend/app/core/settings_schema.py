"""The settings as JSON Schema: `python -m app.core.settings_schema > settings.schema.json`.

Each value is a text, as an environment holds it: numbers are read from it, a list is what stands
between `x-separator`. `x-secret` marks what must not be seen, `x-expected` says in words what a
pattern asks for.
"""

import json
import sys
from typing import Any

from pydantic_settings import BaseSettings

from app.core.settings import MANAGED, NEEDED_IN_PRODUCTION, Settings

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What tools show of a field and nobody reads here.
IDLE = ("title", "format", "writeOnly")


def schema() -> dict[str, Any]:
    """Every setting by its name in the environment, and what some of them ask of others."""
    found = Settings.model_json_schema()
    properties = {name.upper(): _property(name, field) for name, field in _fields(found)}
    production = {
        name: rule for name, one in properties.items() if (rule := one.pop("x-production", None))
    }
    managed = {name: form.schema() for name, form in MANAGED.items()}
    return {
        "$schema": DIALECT,
        "title": "Settings of the backend",
        "type": "object",
        "properties": properties,
        "required": [name.upper() for name in found["required"]],
        "additionalProperties": False,
        "allOf": [
            _where("ENVIRONMENT", ["production"], {"properties": production}),
            _where("INFRA_MODE", ["cloud-dev", "production"], {"properties": managed}),
            _where("INFRA_MODE", ["production"], {"required": NEEDED_IN_PRODUCTION}),
        ],
    }


def sections() -> dict[str, str]:
    """{NAME: the section that it belongs to}."""
    parts = [kind for kind in Settings.__mro__ if issubclass(kind, BaseSettings)]
    return {
        name.upper(): str(vars(kind)["section"])
        for kind in reversed(parts)
        if "section" in vars(kind)
        for name in kind.__annotations__
        if name in Settings.model_fields
    }


def _fields(found: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(found["properties"].items())


def _property(name: str, field: dict[str, Any]) -> dict[str, Any]:
    """One setting; what may be absent has the type that it has when it is there."""
    rest = {key: value for key, value in field.items() if key != "anyOf"}
    kinds = [kind for kind in field.get("anyOf", [{}]) if kind.get("type") != "null"]
    one = {**kinds[0], **rest}
    secret = one.get("writeOnly") or one.get("items", {}).pop("writeOnly", False)
    for key in IDLE:
        one.pop(key, None)
    if one.get("default", 0) in (None, []):
        one.pop("default")
    found = {"x-section": sections()[name.upper()], **one}
    return {**found, "x-secret": True} if secret else found


def _where(name: str, values: list[str], then: dict[str, Any]) -> dict[str, Any]:
    condition = {"properties": {name: {"enum": values}}, "required": [name]}
    return {"if": condition, "then": then}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
