#!/usr/bin/python3
"""Ansible module: tell who listens at addresses that one Compose project wants for itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: listeners
short_description: Tell who listens at addresses that one Compose project wants for itself
description:
  - Compares the processes behind listening TCP sockets with those in the project's containers. A
    name says nothing; another HAProxy is another process.
  - Changes nothing. On a host without Docker no process is the project's.
options:
  binds:
    description: Addresses with their ports, as C(*:80), C(192.0.2.7:80) or C([::]:80).
    type: list
    elements: str
    required: true
  internal:
    description:
      - Addresses that are the project's alone. Another edge of ours may listen at all addresses with the same port, for
        the kernel gives a connection to who has named its address.
    type: list
    elements: str
    default: []
  project:
    description: Name of the Compose project.
    type: str
    required: true
"""

RETURN = r"""
own:
  description: Whether the project itself listens at any of the addresses.
  type: bool
  returned: always
others:
  description: Sockets of other processes that are in the way, with each process's name, number and container.
  type: list
  elements: str
  returned: always
"""

SS = ["ss", "--no-header", "--listening", "--numeric", "--tcp", "--processes"]
EVERY = {"*", "0.0.0.0", "::"}  # noqa: S104 they are compared, nothing is bound
PROCESS = re.compile(r'"([^"]+)",pid=(\d+)')
# The container of a process, in its control group.
CONTAINER = re.compile(r"docker[-/]([0-9a-f]{64})")


class Failed(Exception):
    """What a command said that did not work."""


class Listener(NamedTuple):
    """A listening socket: its address as `ss` writes it, and {pid: name} of who has it open."""

    address: str
    processes: dict[int, str]

    def told(self, containers: dict[str, str]) -> str:
        """Who it is, for a person; `containers` are {id: name}."""
        names = []
        for pid, name in sorted(self.processes.items()):
            inside = containers.get(container(pid), "")
            names.append(f"{name} (pid {pid}{', container ' + inside if inside else ''})")
        return f"{self.address}: {', '.join(names) or 'no process of this system'}"


def output(argv: list[str]) -> str:
    """What a command prints."""
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Failed(f"{' '.join(argv[:2])}: {ran.stderr.strip()}")
    return ran.stdout


def listening(lines: str) -> list[Listener]:
    """The sockets in lines of `ss`."""
    return [
        Listener(line.split()[3], {int(pid): name for name, pid in PROCESS.findall(line)})
        for line in lines.splitlines()
    ]


def split(address: str) -> tuple[str, str]:
    """(host, port) of an address, without brackets and interface."""
    host, _, port = address.rpartition(":")
    return host.partition("%")[0].strip("[]"), port


def in_the_way(bind: str, address: str) -> bool:
    """Whether a socket at `address` keeps another one from `bind`: the same, or one of them is all addresses."""
    (host, port), (other, other_port) = split(bind), split(address)
    return port == other_port and (host == other or bool(EVERY & {host, other}))


def containers(project: str) -> set[int]:
    """The first process of each container of the project that runs."""
    if shutil.which("docker") is None:
        return set()
    label = f"label=com.docker.compose.project={project}"
    ids = output(["docker", "ps", "--quiet", "--no-trunc", "--filter", label]).split()
    if not ids:
        return set()
    pids = output(["docker", "inspect", "--format", "{{.State.Pid}}", *ids]).split()
    return {int(pid) for pid in pids} - {0}


def names(*flags: str) -> dict[str, str]:
    """{id: name} of the containers that run, of those that `flags` of `docker ps` choose."""
    if shutil.which("docker") is None:
        return {}
    argv = ["docker", "ps", "--no-trunc", *flags, "--format", "{{.ID}} {{.Names}}"]
    return dict(line.split(" ", 1) for line in output(argv).splitlines() if " " in line)


def lets_in(one: Listener, binds: list[str], edges: dict[str, str]) -> bool:
    """Whether a socket in the way of internal addresses alone is another edge's of ours; `edges` are {id: name}."""
    if any(in_the_way(bind, one.address) for bind in binds):
        return False
    return bool(one.processes) and all(container(pid) in edges for pid in one.processes)


def container(pid: int) -> str:
    """The id of the container that a process runs in; empty where it runs in none, or has ended."""
    try:
        found = CONTAINER.findall(Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8"))
    except OSError:
        return ""
    return found[-1] if found else ""


def parent(pid: int) -> int:
    """The process that a process was started by; 0 for the first one, and for one that has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def is_within(pid: int, first: set[int]) -> bool:
    """Whether a process is one of these or descends from one: a worker does from its master."""
    while pid and pid not in first:
        pid = parent(pid)
    return pid in first


def main() -> None:
    """Read the arguments, look, report."""
    module = AnsibleModule(
        argument_spec={
            "binds": {"type": "list", "elements": "str", "required": True},
            "internal": {"type": "list", "elements": "str", "default": []},
            "project": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    binds, internal = module.params["binds"], module.params["internal"]
    try:
        found = [
            one
            for one in listening(output(SS))
            if any(in_the_way(bind, one.address) for bind in binds + internal)
        ]
        first = containers(module.params["project"]) if found else set()
        own = [one for one in found if any(is_within(pid, first) for pid in one.processes)]
        strangers = [one for one in found if one not in own]
        known = names() if strangers else {}
        edges = names("--filter", "label=delight.managed=true") if strangers else {}
    except (OSError, Failed) as error:
        module.fail_json(msg=str(error))
    others = sorted({one.told(known) for one in strangers if not lets_in(one, binds, edges)})
    module.exit_json(changed=False, own=bool(own), others=others)


if __name__ == "__main__":
    main()
