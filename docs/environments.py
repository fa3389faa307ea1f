"""The page of all settings by environment, from the schemas, `group_vars/all` and each inventory's `main.yml`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, UndefinedError

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENTS = ("local", "staging", "production")
# {part of the application: (its service, the schema of its settings)}
PARTS = {
    "Backend": ("api", "backend/settings.schema.json"),
    "Worker, what it is given": ("worker", "backend/settings.schema.json"),
    "Frontend": ("web", "frontend/settings.schema.json"),
}
# What environments have otherwise beside the settings: {meaning: variable}.
BESIDE = {
    "containers of the API on a host": "api_replicas",
    "containers of the pages on a host": "web_replicas",
    "jobs that a worker runs at once": "worker_concurrency",
    "whose PostgreSQL and Redis": "infra_mode",
    "pending migrations": "migrate",
    "a balancer of ours": "balancer_enabled",
    "run by us": "backing_services",
}
# What the engine and the images give, whatever a service says.
EVERYWHERE = {"RELEASE": "its id", "NODE_ENV": "`production`"}
HEADER = """\
# Settings by environment

What every setting is in each environment, as the repository has it. `vault` is a secret of the environment's
vault, *yours* is to be filled in, and an empty cell is the default. On a developer's machine (`make dev`) all have
their defaults, but for `LOG_LEVEL`, which is `DEBUG`.

A deploy holds each environment against the schemas of [backend](../../backend/settings.schema.json) and
[frontend](../../frontend/settings.schema.json) before it touches a host; `ansible-playbook validate.yml -i staging`
does that alone.
"""


@cache
def variables(environment: str) -> dict[str, Any]:
    """The variables of an environment that are no secrets, as they are written."""
    files = sorted((ROOT / "group_vars/all").glob("*.yml"))
    files.append(ROOT / f"inventories/{environment}/group_vars/{environment}/main.yml")
    found: dict[str, Any] = {}
    for file in files:
        found |= yaml.safe_load(file.read_text()) or {}
    return found


def resolved(value: Any, known: Mapping[str, Any]) -> Any:
    """A value with its templates filled in, as far as that takes no host and no vault."""
    if isinstance(value, Mapping):
        return {key: resolved(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [resolved(one, known) for one in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    inside = value.strip().removeprefix("{{").removesuffix("}}").strip()
    if value.startswith("{{") and inside in known:  # a whole value keeps its type
        return resolved(known[inside], known)
    names = {name: resolved(known[name], known) for name in known if name in value}
    try:
        return Environment(undefined=StrictUndefined).from_string(value).render(names)  # noqa: S701
    except UndefinedError:
        return "CHANGE_ME"


def cell(value: Any) -> str:
    """A value as a cell of the table."""
    if value in ("", None):
        return "not set"
    if "CHANGE_ME" in str(value):
        return "*yours*"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(value) or "nothing"
    return f"`{value}`"


def setting(name: str, service: Mapping[str, Any]) -> str:
    """What a service is given for a setting; empty for its default."""
    if name in service.get("secrets", ()):
        return "vault"
    if name == "PORT" and "port" in service:
        return f"`{service['port']}`"
    return cell(service["env"][name]) if name in service["env"] else ""


def table(service: str, schema: Mapping[str, Any], only_given: bool) -> list[str]:
    """One part's settings, a line each."""
    given = {
        name: resolved(variables(name)["services"][service], variables(name))
        for name in ENVIRONMENTS
    }
    lines = [
        f"| setting | default | {' | '.join(ENVIRONMENTS)} | |",
        f"|---|---|{'---|' * len(ENVIRONMENTS)}---|",
    ]
    for name, one in schema["properties"].items():
        default = one.get("default")
        shown = (
            ""
            if default is None
            else f"`{','.join(default) if isinstance(default, list) else default}`"
        )
        kind = (
            "secret" if one.get("x-secret") else "public" if name.startswith("NEXT_PUBLIC_") else ""
        )
        if name in EVERYWHERE:
            cells = [EVERYWHERE[name]] * len(ENVIRONMENTS)
        else:
            cells = [setting(name, given[environment]) for environment in ENVIRONMENTS]
        if any(cells) or not only_given:
            lines.append(f"| `{name}` | {shown} | {' | '.join(cells)} | {kind} |")
    return lines


def beside() -> list[str]:
    """What environments have otherwise beside the settings."""
    lines = [f"| what | {' | '.join(ENVIRONMENTS)} |", f"|---|{'---|' * len(ENVIRONMENTS)}"]
    for what, name in BESIDE.items():
        cells = [cell(resolved(variables(one).get(name), variables(one))) for one in ENVIRONMENTS]
        lines.append(f"| {what} | {' | '.join(cells)} |")
    return lines


def page() -> str:
    """The whole page."""
    parts, files = [HEADER], set[str]()
    for title, (service, file) in PARTS.items():
        schema = json.loads((ROOT / file).read_text())
        seen = file in files  # what is said of a setting once is enough
        files.add(file)
        parts += [f"## {title}\n", *table(service, schema, only_given=seen), ""]
    parts += ["## Beside the settings\n", *beside(), ""]
    parts.append(
        "Generated by `docs/generate.py`; what a setting means stands in the `.env.example` of its part.\n"
    )
    return "\n".join(parts)
