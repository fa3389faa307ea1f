"""`make services`: PostgreSQL and Redis of an environment of the lab, without the rest of it."""

import socket
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from rich.console import Console

from lab import checkout, inventory, paths, secrets, shell, steps
from lab.errors import LabError
from lab.inventory import Fleet
from lab.keys import write_if_changed
from lab.steps import Progress

NAMES = ("DATABASE_URL", "REDIS_URL")


def env_file(env: str) -> Path:
    """Where the addresses stand, for servers that are started by hand; only its owner may read it."""
    return paths.env_dir(env) / "services.env"


def answer(file: Path) -> bool:
    """Whether all servers that the file names take connections."""
    if not file.exists():
        return False
    urls = [urlsplit(line.partition("=")[2]) for line in file.read_text().splitlines()]
    with suppress(OSError):
        for url in urls:
            socket.create_connection((url.hostname or "", url.port or 0), timeout=2).close()
        return bool(urls)
    return False


def run(directory: Path, console: Console, *, if_down: bool = False) -> None:
    """Bring the data host up, provision it, and write the addresses of its servers.

    With `if_down`, servers that answer are left as they are.
    """
    machines = inventory.load(directory)
    if if_down and answer(env_file(machines.env)):
        checkout.refuse_others(machines)
        return
    data = only_data(machines)
    progress = Progress(console)
    steps.prepare(progress, data)
    limit = ["--limit", ",".join(host.name for host in data.hosts)]
    progress.step("provision", lambda say: steps.play(data, "provision", limit, say))
    progress.step("addresses", lambda say: _addresses(machines))
    console.print(f"\nPostgreSQL and Redis: {env_file(machines.env).relative_to(paths.ROOT)}")


def only_data(machines: Fleet) -> Fleet:
    """The fleet of the one host that the registry stands on, as all backing services do."""
    if machines.registry is None:
        raise LabError(
            f"{machines.directory}/hosts.yml: {machines.env}.vars.lab_registry is missing"
        )
    address = machines.registry.partition(":")[0]
    return replace(machines, hosts=tuple(h for h in machines.hosts if str(h.address) == address))


def _addresses(machines: Fleet) -> list[str]:
    vault = [str(paths.ROOT / ".venv/bin/ansible-vault"), "view", str(secrets.vault_file(machines))]
    known = yaml.safe_load(shell.run(vault, cwd=paths.ROOT))["secrets"]
    text = "".join(f"{name}={known[name]}\n" for name in NAMES)
    file = env_file(machines.env)
    return [str(file.relative_to(paths.ROOT))] if write_if_changed(file, text, mode=0o600) else []
