"""The edge's texts as Ansible and the engine render them, from the roles' own defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from delight import render
from jinja2 import Environment, FileSystemLoader, StrictUndefined

ROOT = Path(__file__).resolve().parents[2]
# What an environment declares; the rest is the role's default.
DECLARED = {
    "edge_image": "haproxy:3.0.11",
    "edge_binds": ["*:80"],
    "edge_address": "10.77.0.11",
    "edge_tls": False,
}
EVERYTHING = {
    "edge_binds": ["192.0.2.7:80", "[2001:db8::7]:80"],
    "edge_tls": True,
    "edge_trusted_proxies": ["10.77.0.13/32", "2001:db8:1::/48"],
    "edge_metrics": True,
}


def settings(**changes: Any) -> dict[str, Any]:
    """The variables of a template of the edge role."""
    defaults = yaml.safe_load((ROOT / "roles/edge/defaults/main.yml").read_text())
    return {**defaults, **DECLARED, **changes}


def text(template: str, **changes: Any) -> str:
    """One of the role's templates, with Ansible's own settings for Jinja2."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "compose/edge"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 the output is configuration, not HTML
    )
    return environment.get_template(template).render(settings(**changes))


def slot(name: str, *servers: str, **changes: Any) -> dict[str, Any]:
    """A slot as the engine gives it to the template."""
    return {
        "backend": name,
        "servers": list(servers),
        "port": 8000,
        "check_path": "/api/v1/health",
        "check_status": 200,
        "check_host": "localhost",
        "check_headers": {},
        "check_timeout_s": 2,
        "check_port": changes.get("port", 8000),
        "timeout_s": 60,
        "tunnel_s": 3600,
        **changes,
    }


def backends(*slots: dict[str, Any]) -> str:
    """backends.cfg for slots."""
    return render.backends(list(slots), "10.89.0.0/16")
