"""An inventory folder read as data: the network and the hosts that the lab makes of it.

Only plain YAML in DIR/hosts.yml counts:
  the group that wraps the environment: vars.lab_network: {name: …, subnet: …}, and
  vars.lab_registry: ADDRESS:PORT where the lab shall generate secrets and certificates,
  vars.lab_url: what users see
  a host: ansible_port (SSH on 127.0.0.1), host_address, lab_publish, lab_images
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, TypeVar

import yaml

from lab.errors import LabError

T = TypeVar("T")


@dataclass(frozen=True)
class Host:
    """One machine. `publish` is Docker's own notation: `127.0.0.1:8081:80`."""

    name: str
    address: IPv4Address
    ssh_port: int
    publish: tuple[str, ...] = ()
    images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fleet:
    """All machines of one environment, and the folder that describes them."""

    env: str
    directory: Path
    network: str
    subnet: IPv4Network
    hosts: tuple[Host, ...]
    registry: str | None = None
    url: str | None = None

    def container(self, host: Host) -> str:
        """The container's name; it is also the prefix of the host's volumes."""
        return f"{self.network}-{host.name}"

    def host(self, name: str) -> Host:
        """The host of that name; LabError names the ones that exist."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise LabError(f"{self.directory}: no host {name} (there are: {known})")

    @property
    def known_hosts(self) -> Path:
        """The pinned SSH host keys."""
        return self.directory / "known_hosts"


def load(directory: Path) -> Fleet:
    """Read DIR/hosts.yml."""
    source = directory / "hosts.yml"
    try:
        tree = yaml.safe_load(source.read_text())
    except FileNotFoundError as error:
        raise LabError(f"{source}: no such file (an inventory folder is expected)") from error
    except yaml.YAMLError as error:
        raise LabError(f"{source}: not YAML: {error}") from error
    return parse(tree, directory.resolve(), source)


def folders(root: Path) -> list[Path]:
    """The inventory folders below a checkout whose hosts the lab makes; not in what was made or installed."""
    found = []
    for name, below, files in os.walk(root):
        below[:] = [one for one in below if not one.startswith(".") and one != "node_modules"]
        if "hosts.yml" in files and "lab_network:" in (Path(name) / "hosts.yml").read_text():
            found.append(Path(name))
    return sorted(found)


def parse(tree: Any, directory: Path, source: Path) -> Fleet:
    """Build the fleet from the parsed document; LabError names the file and the key."""
    children = tree.get("all", {}).get("children", {}) if isinstance(tree, dict) else {}
    wrappers = [
        (name, group)
        for name, group in children.items()
        if "lab_network" in ((group or {}).get("vars") or {})
    ]
    if len(wrappers) != 1:
        raise LabError(f"{source}: one group below all needs vars.lab_network: {{name, subnet}}")
    env, group = wrappers[0]
    network = group["vars"]["lab_network"]
    if not isinstance(network, dict) or set(network) != {"name", "subnet"}:
        raise LabError(f"{source}: {env}.vars.lab_network needs exactly name and subnet")
    subnet = _checked(IPv4Network, network["subnet"], source, f"{env}.vars.lab_network.subnet")
    found: dict[str, dict[str, Any]] = {}
    _collect(group, {}, found)
    hosts = tuple(_host(name, found[name], subnet, source) for name in sorted(found))
    if not hosts:
        raise LabError(f"{source}: group {env} has no hosts")
    registry = group["vars"].get("lab_registry")
    if registry is not None:
        address, _, port = str(registry).partition(":")
        _checked(IPv4Address, address, source, f"{env}.vars.lab_registry")
        _checked(int, port, source, f"{env}.vars.lab_registry (port)")
    url = group["vars"].get("lab_url")
    return Fleet(env, directory, str(network["name"]), subnet, hosts, registry, url)


def _collect(
    group: dict[str, Any] | None, inherited: dict[str, Any], found: dict[str, dict[str, Any]]
) -> None:
    group = group or {}
    merged = {**inherited, **(group.get("vars") or {})}
    for child in (group.get("children") or {}).values():
        _collect(child, merged, found)
    for name, own in (group.get("hosts") or {}).items():
        found[name] = {**merged, **found.get(name, {}), **(own or {})}


def _host(name: str, values: dict[str, Any], subnet: IPv4Network, source: Path) -> Host:
    for key in ("host_address", "ansible_port"):
        if key not in values:
            raise LabError(f"{source}: host {name} needs {key}")
    address = _checked(IPv4Address, values["host_address"], source, f"{name}.host_address")
    if address not in subnet:
        raise LabError(f"{source}: {name}.host_address {address} is not in {subnet}")
    port = _checked(int, values["ansible_port"], source, f"{name}.ansible_port")
    publish = tuple(values.get("lab_publish") or ())
    return Host(name, address, port, publish, tuple(values.get("lab_images") or ()))


def _checked(kind: Callable[[Any], T], value: Any, source: Path, key: str) -> T:
    try:
        return kind(value)
    except ValueError as error:
        raise LabError(f"{source}: {key}: {error}") from error
