"""The texts of edge and balancer as Ansible and the engine render them, from the roles' own defaults."""

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
    "_edge_project": "delight-edge",
}
EVERYTHING = {
    "edge_binds": ["192.0.2.7:80", "[2001:db8::7]:80"],
    "edge_tls": True,
    "edge_trusted_proxies": ["10.77.0.13/32", "2001:db8:1::/48"],
    "edge_metrics": True,
    "edge_internal_binds": ["10.89.255.254:80"],
    "edge_https": True,
}


def defaults(role: str) -> dict[str, Any]:
    """A role's defaults."""
    found: dict[str, Any] = yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text())
    return found


def rendered(file: str, variables: dict[str, Any]) -> str:
    """A template of `compose`, with Ansible's own settings for Jinja2."""
    environment = Environment(
        loader=FileSystemLoader(ROOT / "compose"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 the output is configuration, not HTML
    )
    return environment.get_template(file).render(variables)


def text(template: str, **changes: Any) -> str:
    """One of the edge role's templates."""
    return rendered(f"edge/{template}", {**defaults("edge"), **DECLARED, **changes})


def balancer(**changes: Any) -> str:
    """The balancer's haproxy.cfg."""
    return rendered("balancer/haproxy.cfg.j2", {**defaults("balancer"), **changes})


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
        "protocol": "h1",
        "cookie": "",
        "cookie_secure": False,
        "timeout_s": 60,
        "tunnel_s": 3600,
        **changes,
    }


def backends(*slots: dict[str, Any]) -> str:
    """backends.cfg for slots."""
    return render.backends(list(slots), "10.89.0.0/16")
