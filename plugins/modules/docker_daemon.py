#!/usr/bin/python3
"""Ansible module: keep dockerd's settings, and apply a change without a lost request."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: docker_daemon
short_description: Keep dockerd's settings, and apply a change without a lost request
description:
  - Has C(dockerd) validate the settings before they take the file's place.
  - Settings that dockerd rereads are applied by a reload. For the others the daemon is restarted,
    after a reload that puts C(live-restore) in force, so that running containers go on serving.
  - A daemon that does not come up with its new settings gets its old ones back.
  - File and daemon are kept in one call, so that a run that is killed can't leave them apart.
options:
  settings:
    description: The whole of daemon.json.
    type: dict
    required: true
  path:
    description: The file.
    type: path
    default: /etc/docker/daemon.json
  timeout:
    description: Seconds in which the daemon must answer again.
    type: int
    default: 60
"""

RETURN = r"""
applied:
  description: How the change was put in force, C(nothing), C(reload) or C(restart).
  type: str
  returned: always
keys:
  description: Keys whose values were changed.
  type: list
  elements: str
  returned: always
"""

# What dockerd 26 rereads on SIGHUP.
RELOADABLE = frozenset(
    [
        "debug",
        "default-runtime",
        "features",
        "insecure-registries",
        "labels",
        "live-restore",
        "max-concurrent-downloads",
        "max-concurrent-uploads",
        "max-download-attempts",
        "registry-mirrors",
        "runtimes",
        "shutdown-timeout",
    ]
)


class Refused(Exception):
    """Settings that dockerd does not accept or does not come up with."""


def changed_keys(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return the keys whose values differ, sorted."""
    absent = object()
    return sorted(k for k in old.keys() | new.keys() if old.get(k, absent) != new.get(k, absent))


def way(keys: list[str]) -> str:
    """Return how a change of these keys is put in force: nothing, reload or restart."""
    if not keys:
        return "nothing"
    return "reload" if RELOADABLE.issuperset(keys) else "restart"


def as_text(settings: dict[str, Any]) -> str:
    """Return the settings as the file has them."""
    return json.dumps(settings, indent=2, sort_keys=True) + "\n"


def current(path: Path) -> dict[str, Any]:
    """Return the settings in the file: {} where there is none or it is not JSON."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def run(*argv: str) -> str:
    """Run a command, return what it wrote; raise Refused with its error text on a failure."""
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Refused(f"{' '.join(argv)}: {(ran.stderr or ran.stdout).strip()}")
    return ran.stdout


def write(path: Path, text: str) -> None:
    """Put a validated file in the place of the old one, at once."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        run("dockerd", "--validate", "--config-file", str(new))
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def wait(timeout: float) -> None:
    """Return as soon as the daemon answers; raise Refused after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        try:
            run("docker", "version", "--format", "{{.Server.Version}}")
            return
        except Refused:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def put_in_force(how: str, timeout: float) -> None:
    """Reload the daemon, restart it where that is not enough, and wait for its answer."""
    active = subprocess.run(["systemctl", "is-active", "--quiet", "docker"], check=False)
    if active.returncode == 0:
        # Also before a restart: from here on live-restore holds, whatever the daemon started with.
        run("systemctl", "reload", "docker")
    if active.returncode or how == "restart":
        run("systemctl", "reset-failed", "docker.service", "docker.socket")
        run("systemctl", "restart", "docker")
    wait(timeout)


def keep(path: Path, settings: dict[str, Any], how: str, timeout: float) -> None:
    """Write and apply the settings; put the old ones back and raise Refused if that fails."""
    before = path.read_text(encoding="utf-8") if path.exists() else None
    write(path, as_text(settings))
    try:
        put_in_force(how, timeout)
    except Refused as error:
        if before is None:
            path.unlink()
        else:
            path.write_text(before, encoding="utf-8")
        put_in_force("restart", timeout)
        raise Refused(f"{error}; the settings before are in force again") from error


def main() -> None:
    """Read the arguments, compare, apply, report."""
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict", "required": True},
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    path, settings = Path(module.params["path"]), module.params["settings"]
    old = current(path)
    keys = changed_keys(old, settings)
    how = way(keys)
    if keys and not module.check_mode:
        try:
            keep(path, settings, how, module.params["timeout"])
        except Refused as error:
            module.fail_json(msg=str(error))
    before = as_text(old) if path.exists() or old else ""
    diff = {"before_header": str(path), "after_header": str(path), "before": before}
    diff["after"] = as_text(settings)
    module.exit_json(changed=bool(keys), applied=how, keys=keys, diff=diff if keys else {})


if __name__ == "__main__":
    main()
