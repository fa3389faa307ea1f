"""Kamal beside the product: the same application on the same hosts by its own unmodified command.

Its proxy serves ports of its own on each host's loopback, so the edge stays as it is. The login on
the hosts may use their engine while it is here: Kamal has no sudo.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.fleet.support import setup, versions
from tests.fleet.support.hosts import BIN, INVENTORY, Fleet
from tests.fleet.support.setup import REGISTRY

SERVICE = "beside"
SSH_CONFIG = "ssh_config"
PASSWORD = "KAMAL_REGISTRY_PASSWORD"  # noqa: S105 - the name of the variable
# At least the version that Kamal 2.12 asks for.
PROXY = "basecamp/kamal-proxy:v0.9.2"
PORTS = {"http_port": 8088, "https_port": 8448, "bind_ips": ["127.0.0.1"]}
# More than the containers that Kamal keeps, so that none is there when its version's turn comes again.
VERSIONS = tuple(f"k{number}" for number in range(1, 9))
LEAVE = f"""
docker ps -aq --filter label=service={SERVICE} | xargs -r docker rm -f
docker ps -aq --filter name=^kamal-proxy$ | xargs -r docker rm -f
docker images --filter label=service={SERVICE} --format '{{{{.Repository}}}}:{{{{.Tag}}}}' |
  xargs -r docker rmi
docker images -q {REGISTRY}/{PROXY} | xargs -r docker rmi
docker volume rm -f kamal-proxy-config
docker network ls -q --filter name=^kamal$ | xargs -r docker network rm
rm -rf "$HOME/.kamal" "$HOME/.docker"
id -nG "$USER" | grep -qw docker && gpasswd -d "$USER" docker
exit 0
"""


def missing() -> str:
    """Why there is nothing to compare with; empty where there is."""
    if not shutil.which("kamal"):
        return "no command `kamal` on PATH"
    try:
        there = versions.docker("images", "--quiet", PROXY)
        if not there:
            versions.docker("pull", "--quiet", PROXY)
    except RuntimeError as error:
        return f"no image {PROXY}: {error}"
    return ""


def push(password: str) -> None:
    """Put Kamal's proxy and versions of the test application with Kamal's label into the registry."""
    base = versions.build("v1")["v1"]
    references = [f"{REGISTRY}/{PROXY}"]
    versions.docker("tag", PROXY, references[0])
    for version in VERSIONS:
        references.append(f"{REGISTRY}/{SERVICE}:{version}")
        labels = (f"--label=service={SERVICE}", f"--label=version={version}")
        versions.docker(
            "build", "--quiet", f"--tag={references[-1]}", *labels, "-", text=f"FROM {base}\n"
        )
    with tempfile.TemporaryDirectory() as config:
        words = ("login", "--username=delight", "--password-stdin", REGISTRY)
        versions.docker(*words, text=password, config=config)
        for reference in references:
            versions.docker("push", "--quiet", reference, config=config)


def configuration(fleet: Fleet, user: str, key: str, ssh: Path) -> dict[str, Any]:
    """What a user writes into config/deploy.yml; all else is as Kamal has it by default."""
    repository, _, version = PROXY.rpartition(":")
    return {
        "service": SERVICE,
        "image": SERVICE,
        "servers": list(fleet.hosts.values()),
        "registry": {"server": REGISTRY, "username": "delight", "password": [PASSWORD]},
        "builder": {"arch": "amd64"},
        "env": {"clear": {"PORT": "8000", "START_DELAY_S": "1", "GRACE_S": "1"}},
        "ssh": {"user": user, "keys": [key], "keys_only": True, "config": [str(ssh)]},
        "proxy": {
            "app_port": 8000,
            "healthcheck": {"path": "/health"},
            "run": {**PORTS, "registry": REGISTRY, "repository": repository, "version": version},
        },
    }


@dataclass
class Kamal:
    """Kamal with an application at rest on the hosts of a fleet."""

    fleet: Fleet
    folder: Path  # where its configuration stands
    user: str  # its login on the hosts
    environment: dict[str, str]
    live: str = ""
    before: str = ""
    coming: Iterator[str] = field(default_factory=lambda: itertools.cycle(VERSIONS))

    @classmethod
    @contextmanager
    def on(cls, fleet: Fleet) -> Iterator[Kamal]:
        """With its proxy started and a first version deployed; nothing of it stays on the hosts."""
        password = str(setup.vault()["registry_password"])
        push(password)
        inventory = [str(BIN / "ansible-inventory"), "-i", str(fleet.inventory)]
        said = setup.run(*inventory, "--host", min(fleet.hosts))
        host = json.loads(said.replace("{{ inventory_dir }}", str(fleet.inventory)))
        with tempfile.TemporaryDirectory() as folder:
            kamal = cls(fleet, Path(folder), host["ansible_user"], {PASSWORD: password})
            kamal.write(host["ansible_ssh_private_key_file"])
            kamal.leave()
            try:
                for name in fleet.hosts:
                    fleet.exec(name, "usermod", "-aG", "docker", kamal.user)
                kamal.deploy()
                yield kamal
            finally:
                kamal.leave()

    def write(self, key: str) -> None:
        """Its configuration, for hosts whose keys the inventory knows."""
        for name in ("config", ".kamal"):
            (self.folder / name).mkdir()
        self.go_by("none")
        key = str(Path(key).resolve())
        text = yaml.safe_dump(configuration(self.fleet, self.user, key, self.folder / SSH_CONFIG))
        (self.folder / "config/deploy.yml").write_text(text)
        (self.folder / ".kamal/secrets").write_text(f"{PASSWORD}=${PASSWORD}\n")
        # A rollback asks for the commit that it stands in.
        git = ("git", "-C", str(self.folder), "-c", "user.name=-", "-c", "user.email=-")
        setup.run(*git, "init", "--quiet")
        setup.run(*git, "commit", "--quiet", "--allow-empty", "--message=empty")

    def go_by(self, proxy: str) -> None:
        """Reach the hosts by a ProxyCommand from now on; `none` is straight."""
        (self.folder / SSH_CONFIG).write_text(
            f"Host *\n  UserKnownHostsFile {INVENTORY / 'known_hosts'}\n  StrictHostKeyChecking yes\n"
            f"  ProxyCommand {proxy}\n"
        )

    def run(self, *words: str) -> None:
        """One command to its end; its output is the error when it fails, or does nothing."""
        done = subprocess.run(
            ["kamal", *words],
            cwd=self.folder,
            env=os.environ | self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        # That is how it says that there is nothing to go back to; its status is 0.
        if done.returncode or "is not available as a container" in done.stdout:
            raise SystemExit(f"kamal {' '.join(words)}:\n{done.stdout}")

    def deploy(self) -> None:
        """Deploy a version that no host has a container of."""
        version = next(self.coming)
        self.run("deploy", "--skip-push", f"--version={version}")
        self.before, self.live = self.live, version

    def deploy_again(self) -> None:
        """Deploy the version that serves once more."""
        self.run("deploy", "--skip-push", f"--version={self.live}")

    def rollback(self) -> None:
        """Back to the version that served before."""
        self.run("rollback", self.before)
        self.before, self.live = self.live, self.before

    def leave(self) -> None:
        """Take all that is Kamal's from the hosts."""
        home = f"USER={self.user}; HOME=/home/{self.user}\n"
        for name in self.fleet.hosts:
            self.fleet.exec(name, "sh", "-c", home + LEAVE)
