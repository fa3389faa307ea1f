"""The module that tells whose a port is, and the roles that refuse one which is another's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from plugins.modules import listeners
from tests.support.commands import run

ROOT = Path(__file__).resolve().parents[3]
LINES = """\
LISTEN 0 4096 *:80 *:* users:(("haproxy",pid=21,fd=7),("haproxy",pid=20,fd=7))
LISTEN 0 64 [::]:2049 [::]:*
"""


def test_a_socket_has_an_address_and_processes() -> None:
    ours, nobodys = listeners.listening(LINES)
    assert ours == ("*:80", {20: "haproxy", 21: "haproxy"})
    assert ours.told({}) == "*:80: haproxy (pid 20), haproxy (pid 21)"
    assert nobodys.told({}) == "[::]:2049: no process of this system"


@pytest.mark.promise("C11")
def test_a_process_in_a_container_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, _ = listeners.listening(LINES)
    monkeypatch.setattr(listeners, "container", lambda pid: "id" if pid == 20 else "")
    said = "*:80: haproxy (pid 20, container shop-edge), haproxy (pid 21)"
    assert ours.told({"id": "shop-edge"}) == said


@pytest.mark.promise("C11")
@pytest.mark.parametrize(
    ("binds", "edges", "lets_in"),
    [
        (["*:8081"], {"id": "shop-edge"}, True),
        (["*:80"], {"id": "shop-edge"}, False),
        (["*:8081"], {"other": "shop-edge"}, False),
    ],
)
def test_another_edge_of_ours_lets_in_what_names_its_address(
    binds: list[str], edges: dict[str, str], lets_in: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the gateway of its containers, at the port where the first one has all addresses."""
    ours, nobodys = listeners.listening(LINES)
    monkeypatch.setattr(listeners, "container", lambda pid: "id")
    assert listeners.lets_in(ours, binds, edges) is lets_in
    assert not listeners.lets_in(nobodys, binds, edges)


@pytest.mark.parametrize(
    ("group", "found"),
    [
        (f"0::/system.slice/docker-{'a' * 64}.scope\n", "a" * 64),
        (f"0::/docker/{'b' * 64}/system.slice/docker-{'a' * 64}.scope\n", "a" * 64),
        (f"0::/docker/{'a' * 64}\n", "a" * 64),
        ("0::/system.slice/ssh.service\n", ""),
    ],
)
def test_a_control_group_says_the_container(
    group: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: group)
    assert listeners.container(1) == found


@pytest.mark.parametrize(
    ("bind", "address", "hits"),
    [
        ("*:80", "192.0.2.7:80", True),
        ("*:80", "[::1]:80", True),
        ("*:80", "0.0.0.0:8080", False),
        ("192.0.2.7:80", "0.0.0.0:80", True),
        ("192.0.2.7:80", "*:80", True),
        ("192.0.2.7:80", "[::]:80", True),
        ("192.0.2.7:80", "192.0.2.8:80", False),
        ("[2001:db8::7]:80", "[2001:db8::7]:80", True),
        ("2001:db8::7:80", "[2001:db8::7]%eth0:80", True),
        ("127.0.0.53:53", "127.0.0.53%lo:53", True),
    ],
)
def test_a_socket_is_in_the_way_of_its_own_address_and_of_all(
    bind: str, address: str, hits: bool
) -> None:
    assert listeners.in_the_way(bind, address) is hits


def test_a_worker_is_its_masters() -> None:
    assert listeners.is_within(os.getpid(), {os.getppid()})
    assert listeners.is_within(os.getpid(), {os.getpid()})
    assert not listeners.is_within(os.getpid(), {-1})


def preflight(folder: Path, role: str, ours: int = 0) -> tuple[int, str]:
    """Status and output of a role's first tasks where this process is an HAProxy with port 80.

    `ours`: the first process of the project's container; 0 = none runs.
    """
    line = f'LISTEN 0 4096 0.0.0.0:80 0.0.0.0:* users:(("haproxy",pid={os.getpid()},fd=7))'
    # Docker answers both questions, for the container's name and for its process, with one number.
    for name, answer in {"ss": line, "docker": str(ours or "")}.items():
        (folder / name).write_text(f"#!/bin/sh\necho '{answer}'\n")
        (folder / name).chmod(0o755)
    tasks = [{"ansible.builtin.import_role": {"name": role, "tasks_from": "preflight"}}]
    variables = {
        "edge_address": "192.0.2.7",
        "edge_image": "any",
        "edge_binds": ["*:80"],
        "balancer_image": "any",
        "balancer_hosts": [{"name": "a", "address": "192.0.2.7", "port": 80, "ready_port": 8404}],
    }
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    (folder / "play.json").write_text(json.dumps([play]))
    path = f"{folder}:{os.environ['PATH']}"
    done = run(
        *(ROOT, "ansible-playbook", str(folder / "play.json"), "--check"),
        *("-i", "localhost,", "-c", "local"),
        PATH=path,
        ANSIBLE_ROLES_PATH=str(ROOT / "roles"),
    )
    return done.returncode, " ".join(done.stdout.split())


@pytest.mark.parametrize("role", ["edge", "balancer"])
def test_another_haproxy_on_the_port_is_refused_by_name_and_number(
    tmp_path: Path, role: str
) -> None:
    status, output = preflight(tmp_path, role)
    assert status == 2
    said = f"another process has a port of the {role}: 0.0.0.0:80: haproxy (pid {os.getpid()}). "
    assert said in output


@pytest.mark.parametrize("role", ["edge", "balancer"])
def test_its_own_one_may_have_the_port(tmp_path: Path, role: str) -> None:
    assert preflight(tmp_path, role, ours=os.getppid())[0] == 0
