"""An editor whose user knows the lab's machines: `python -m tests.local.editor PROJECT FILE…`.

It fills in what staging's inventory leaves open, in files of the current folder; PROJECT is the checkout
whose `make local` made the machines.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from lab import inventory, secrets, shell

# What the lab's machines can't pull is named as they have it; users reach them without a name or TLS.
OF_THE_LAB = """
edge_image: delight-lab/haproxy:3.0
build_python_base: delight-lab/python:3.13
build_node_base: delight-lab/node:20
app_url: http://{data}
"""


def filled_in(name: str, text: str, local: dict[str, Any], addresses: list[str]) -> str:
    """The text of a file of staging's inventory with the lab's values for what it left open."""
    data = addresses[-1]
    if name == "hosts.yml":
        for address in addresses:
            text = text.replace("CHANGE_ME", address, 2)
        return text
    if name == "main.yml":
        text = text.replace("CHANGE_ME:5000", f"{data}:5000").replace(
            "registry_username: CHANGE_ME", "registry_username: delight"
        )
        text = text.replace("app_host: CHANGE_ME.staging.example.com", 'app_host: "*"')
        text = text.replace('"postgres:17"', '"delight-lab/postgres:17"')
        text = text.replace('"redis:8"', '"delight-lab/redis:8"')
        text = text.replace(
            '{image: "registry:2"}', '{image: "delight-lab/registry:2", uid: 10098}'
        )
        return text + OF_THE_LAB.format(data=data)
    # The vault as it was made. The machines have passwords already, and their registry is trusted here.
    made = yaml.safe_load(text)
    told = {name: value for name, value in local["secrets"].items() if name.startswith("CLERK_")}
    # Nobody listens there; nothing that is tried here goes wrong.
    told |= {"SENTRY_DSN": f"http://key@{data}:9/1"}
    return yaml.safe_dump({**made, **local, "secrets": {**made["secrets"], **told}})


def main(project: Path, files: list[str]) -> None:
    """Fill in all files."""
    hosts = inventory.load(project / "inventories/local")
    vault = [str(project / ".venv/bin/ansible-vault"), "view", str(secrets.vault_file(hosts))]
    local = yaml.safe_load(shell.run(vault, cwd=project))
    for name in files:
        file = Path(name)
        text = filled_in(
            file.name, file.read_text(), local, [str(host.address) for host in hosts.hosts]
        )
        file.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
