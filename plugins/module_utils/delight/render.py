"""Texts from data: the templates of `compose/` and the settings files of a release."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from delight.host import envfile
from delight.host.addresses import MAX_REPLICAS, SLOT_DIGITS, address, backend, gateway
from delight.host.gate import ANSWER_S
from delight.service import Service

TEMPLATES = Path(__file__).resolve().parents[3] / "compose"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 the output is YAML and configuration, not HTML
    )
    environment.filters["quoted"] = quoted
    environment.filters["seconds"] = lambda value: f"{value:g}s"
    return environment


def quoted(value: Any) -> str:
    """A YAML scalar or flow list on one line, with Compose's `$` interpolation switched off."""
    text = yaml.safe_dump(value, default_flow_style=True, width=2**20, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...").replace("$", "$$")


def service_blocks(name: str, spec: Mapping[str, Any], subnet: str, app: str) -> tuple[str, str]:
    """(what its containers have in common, its compose services): one a replica and slot, and one for commands.

    Open are `${RELEASE}` and `${HOST}`. Each slot has names of its own, so that none of them reaches both.
    """
    replicas = [
        {"slot": slot, "number": n, "address": address(subnet, spec["index"], digit, n)}
        for slot, digit in SLOT_DIGITS.items()
        for n in range(1, spec["replicas"] + 1)
    ]
    common = _environment().get_template("service.yml.j2").render(name=name, spec=spec)
    template = _environment().get_template("containers.yml.j2")
    return common, template.render(app=app, name=name, spec=spec, replicas=replicas)


def compose(specs: Mapping[str, Mapping[str, Any]], subnet: str, app: str) -> str:
    """The compose file of a release; every service carries its fingerprint as a label."""
    blocks = [service_blocks(name, spec, subnet, app) for name, spec in sorted(specs.items())]
    return (
        _environment()
        .get_template("release.yml.j2")
        .render(
            common=[common for common, _ in blocks],
            containers=[containers for _, containers in blocks],
            fingerprints={name: spec["fingerprint"] for name, spec in specs.items()},
            internal=sorted(name for name, spec in specs.items() if spec["port"]),
            gateway=gateway(subnet),
            app=app,
        )
    )


def env_file(service: Service) -> str:
    """The settings of a service, for Compose; of secrets only where their files are."""
    settings = dict(service.env)
    settings |= {f"{name}_FILE": f"/run/secrets/{name}" for name in service.delivered("file")}
    if service.port is not None:
        settings.setdefault("PORT", str(service.port))
    return envfile.write(settings)


def edge_slots(
    occupants: Mapping[tuple[str, str], Mapping[str, Any]], subnet: str, app: str
) -> list[Any]:
    """The edge's backends, one a slot; `occupants`: {(service, slot): what runs or will run there}."""
    found = []
    for (service, slot), spec in sorted(occupants.items()):
        health = spec["health"]
        numbers = range(1, min(spec["replicas"], MAX_REPLICAS) + 1)
        digit = SLOT_DIGITS[slot]
        found.append(
            {
                "backend": backend(service, slot),
                "servers": [address(subnet, spec["index"], digit, n) for n in numbers],
                "port": spec["port"],
                "check_path": health["path"],
                "check_status": health["status"],
                "check_host": health["host"],
                # Releases that an earlier version of the engine has made say nothing of these.
                "check_headers": health.get("headers", {}),
                "check_timeout_s": health.get("answer_s", ANSWER_S),
                "check_port": health["port"],
                "protocol": spec.get("protocol", "h1"),
                "cookie": f"{app}-{service}" if spec.get("sticky") else "",
                "cookie_secure": spec.get("https", False),
                "timeout_s": spec["timeout_s"],
                "tunnel_s": spec["tunnel_s"],
            }
        )
    return found


def backends(slots: list[Any], subnet: str) -> str:
    """The edge's `backends.cfg`; it names itself, so that the running edge can say what it has loaded."""
    template = _environment().get_template("edge/backends.cfg.j2")
    blocks = template.render(app_subnet=subnet, slots=slots)
    identity = hashlib.sha256(blocks.encode()).hexdigest()[:16]
    return f"global\n  set-var proc.backends str({identity})\n\n{blocks}"


def blocks(text: str) -> dict[str, str]:
    """{backend: its lines} of a `backends.cfg`."""
    found = re.split(r"^backend (\S+)", text, flags=re.MULTILINE)[1:]
    return {name: body.strip() for name, body in zip(found[::2], found[1::2], strict=True)}
