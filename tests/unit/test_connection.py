"""How hosts are reached: an inventory, read by Ansible itself, becomes the commands of sessions.

What OpenSSH makes of such a command, it says itself (`ssh -G`).
"""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from delight import bundle, connection
from delight.agents import Agents
from delight.session import Connection

from tests.support import agents as support
from tests.support.waiting import PATIENCE_S
from tests.unit.test_release_playbooks import Hosts

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = 'it\'s "hunter22" $HOME'
# Asks for the way to every host, as a phase does, and writes down what it is, or why there is none.
PROBE = """
import dataclasses, json, pathlib
from ansible.plugins.action import ActionBase
from delight import connection
from delight.errors import ConfigError

class ActionModule(ActionBase):
    BYPASS_HOST_LOOP = True
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        found = {}
        for host in task_vars["groups"]["app"]:
            variables = task_vars["hostvars"][host]
            try:
                way = connection.of(host, variables, self._task, self._play_context)
                found[str(host)] = dataclasses.asdict(way)
            except ConfigError as error:
                found[str(host)] = str(error)
        pathlib.Path(self._task.args["to"]).write_text(json.dumps(found))
        return {"changed": False}
"""
JUMP = {"ansible_ssh_common_args": "-o ProxyJump=ops@bastion.test:2222"}
SUDO = {"ansible_become": True}
ASKED = {**SUDO, "ansible_become_password": PASSWORD}
# {host: its variables}, in the inventory's order.
INVENTORY: dict[str, dict[str, Any]] = {
    "plain": {},
    "named": {"ansible_host": "app1.example.test", "ansible_port": 2222, "ansible_user": "ops"},
    "full": {
        **{"ansible_connection": "ansible.builtin.ssh", "ansible_host": "app2.example.test"},
        **{"ansible_port": 2200, "ansible_user": "ops"},
    },
    "key": {"ansible_ssh_private_key_file": "~/keys/deploy key"},
    "jump": JUMP,
    "six": {"ansible_host": "2001:db8::7", **JUMP},
    "resolved": {"ansible_host": "{{ inventory_hostname }}.{{ domain }}", "domain": "example.test"},
    "careless": {"ansible_ssh_common_args": "-o StrictHostKeyChecking=no"},
    "patient": {"ansible_ssh_args": "-o ServerAliveInterval=60"},
    "shared": {"ansible_ssh_args": "-o ControlMaster=yes -o ControlPath=~/shared"},
    "client": {"ansible_ssh_executable": "/opt/ssh/bin/ssh"},
    "python": {"ansible_python_interpreter": "/opt/python/bin/python3"},
    "sudo": SUDO,
    "asked": ASKED,
    "other": {**SUDO, "ansible_become_exe": "/opt/bin/sudo", "ansible_become_user": "ops"},
    "never": {"ansible_become": False, "ansible_become_password": PASSWORD},
    "here": {"ansible_connection": "local"},
    "here_asked": {"ansible_connection": "local", **ASKED},
    "docker": {"ansible_connection": "docker"},
    "su": {**SUDO, "ansible_become_method": "su"},
    "unknown": {**SUDO, "ansible_become_method": "wish"},
    "login": {"ansible_password": "hunter22"},
    "nowhere": {"ansible_host": "{{ undefined_name }}"},
    "unreadable": {**SUDO, "ansible_become_password": "{{ 'hunter22' | no_such_filter }}"},
}
Found = dict[str, Any]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    """{play: {host: its Connection, or why there is none}}."""
    folder = tmp_path_factory.mktemp("connection")
    (folder / "action").mkdir()
    (folder / "action/probe.py").write_text(PROBE)
    (folder / "hosts.json").write_text(json.dumps({"app": {"hosts": INVENTORY | remote(folder)}}))
    (folder / "password").write_text("of all hosts\n")
    runs = [
        start(folder, {"plain": False, "become": True}),
        start(folder, {"password": True}, "--become-password-file", str(folder / "password")),
    ]
    for run in runs:
        output, _ = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 0, output
    return {
        name: json.loads((folder / f"{name}.json").read_text())
        for name in ("plain", "become", "password")
    }


def remote(folder: Path) -> dict[str, Found]:
    """A host that a shell of this machine plays, with a sudo and a Python of its own."""
    support.executable(folder / "ssh", support.SSH)
    support.sudo(folder, PASSWORD)
    client = {"ansible_ssh_executable": str(folder / "ssh")}
    become = {**ASKED, "ansible_become_exe": str(folder / "sudo")}
    agents = folder / "agents"
    agents.mkdir()
    Hosts(agents, {"remote": {}})
    return {
        "remote": {
            **client, **become, "ansible_python_interpreter": str(agents / "remote/python"),
        },
        "remote_python": {**client, "ansible_python_interpreter": sys.executable},
    }  # fmt: skip


def start(folder: Path, plays: dict[str, bool], *words: str) -> subprocess.Popen[str]:
    """Run {play: whether it is for another user} with this project's ansible.cfg, and nobody's own."""
    playbook = folder / f"{min(plays)}.yml"
    playbook.write_text(
        json.dumps(
            [
                {
                    "hosts": "app",
                    "gather_facts": False,
                    "become": become,
                    "tasks": [{"probe": {"to": str(folder / f"{name}.json")}}],
                }
                for name, become in plays.items()
            ]
        )
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
    env |= {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_ACTION_PLUGINS": str(folder / "action"),
        "PYTHONPATH": str(ROOT / "plugins/module_utils"),
        "HOME": str(folder),
    }
    ansible = Path(sys.executable).parent / "ansible-playbook"
    return subprocess.Popen(
        [ansible, "-i", folder / "hosts.json", playbook, *words],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def openssh(way: Found) -> dict[str, str]:
    """{option: value} as OpenSSH understands the command of a way."""
    program, *words, _ = way["argv"]
    done = subprocess.run(
        [program, "-G", "-F", "none", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    lines = [line.partition(" ")[::2] for line in done.stdout.splitlines()]
    return dict(reversed(lines))


# -- over ssh


@pytest.mark.parametrize(
    ("host", "options"),
    [
        ("plain", {"hostname": "plain", "port": "22", "stricthostkeychecking": "ask"}),
        ("named", {"hostname": "app1.example.test", "port": "2222", "user": "ops"}),
        ("full", {"hostname": "app2.example.test", "port": "2200", "user": "ops"}),
        ("jump", {"hostname": "jump", "proxyjump": "ops@bastion.test:2222"}),
        ("six", {"hostname": "2001:db8::7", "proxyjump": "ops@bastion.test:2222"}),
        ("resolved", {"hostname": "resolved.example.test"}),
        ("careless", {"stricthostkeychecking": "false"}),
    ],
)
def test_a_host_is_reached_as_the_inventory_says(
    found: dict[str, Found], host: str, options: dict[str, str]
) -> None:
    said = openssh(found["plain"][host])
    assert options.items() <= said.items()
    assert said["passwordauthentication"] == "no"


def test_a_private_key_is_the_one_that_was_named(found: dict[str, Found]) -> None:
    [file] = [word for word in found["plain"]["key"]["argv"] if word.startswith("IdentityFile=")]
    assert file.endswith('/keys/deploy key"') and "~" not in file
    assert openssh(found["plain"]["key"])["identityfile"].endswith("/keys/deploy key")


@pytest.mark.promise("S5")
def test_no_host_is_trusted_unless_somebody_says_so(found: dict[str, Found]) -> None:
    for host, way in found["plain"].items():
        words = way["argv"] if isinstance(way, dict) else []
        trusted = any("stricthostkeychecking" in word.lower() for word in words)
        assert trusted == (host == "careless"), host


@pytest.mark.parametrize("host", ["plain", "shared", "jump"])
def test_a_connection_is_shared_with_nobody_whatever_the_inventory_says(
    found: dict[str, Found], host: str
) -> None:
    way = found["plain"][host]
    assert tuple(way["argv"][1 : 1 + len(connection.OWN)]) == connection.OWN
    said = openssh(way)
    assert (said["controlmaster"], said.get("controlpath")) == ("false", None)


@pytest.mark.promise("C10")
def test_a_dead_link_is_noticed_and_an_inventory_may_say_when(found: dict[str, Found]) -> None:
    plain, patient = (openssh(found["plain"][host]) for host in ("plain", "patient"))
    assert (plain["serveraliveinterval"], plain["serveralivecountmax"]) == ("5", "3")
    assert (patient["serveraliveinterval"], patient["serveralivecountmax"]) == ("60", "3")
    *words, target, _ = found["plain"]["patient"]["argv"]
    assert (tuple(words[-len(connection.ALIVE) :]), target) == (connection.ALIVE, "patient")


def test_programs_are_the_ones_that_were_named(found: dict[str, Found]) -> None:
    assert found["plain"]["client"]["argv"][0] == "/opt/ssh/bin/ssh"
    for host, python in (("plain", "/usr/bin/python3"), ("python", "/opt/python/bin/python3")):
        last = found["plain"][host]["argv"][-1]
        shell, option, command = shlex.split(last)
        assert (shell, option) == ("/bin/sh", "-c")
        assert shlex.split(command) == [python, "-I", "-S", "-c", bundle.START]


# -- on this machine


def test_a_local_host_is_reached_without_ssh(found: dict[str, Found]) -> None:
    shell, option, command = found["plain"]["here"]["argv"]
    assert (shell, option) == ("/bin/sh", "-c")
    assert shlex.split(command) == ["/usr/bin/python3", "-I", "-S", "-c", bundle.START]


# -- as another user


def command(way: Found) -> list[str]:
    """The words that run on the host."""
    words = shlex.split(way["argv"][-1])
    return shlex.split(words[-1]) if words[:2] == ["/bin/sh", "-c"] else words


def test_without_become_nobody_asks_for_other_rights(found: dict[str, Found]) -> None:
    assert command(found["plain"]["plain"])[0] == "/usr/bin/python3"
    for play in ("plain", "become"):
        never = found[play]["never"]
        assert command(never)[0] == "/usr/bin/python3"
        assert (never["prompt"], never["password"], never["success"]) == ("", "", "")


@pytest.mark.parametrize(("play", "host"), [("plain", "sudo"), ("become", "plain")])
def test_sudo_without_a_password_asks_for_none(
    found: dict[str, Found], play: str, host: str
) -> None:
    way = found[play][host]
    sudo = command(way)
    assert sudo[0] == "sudo" and "-n" in sudo
    assert sudo[sudo.index("-u") + 1] == "root"
    assert shlex.split(sudo[-1])[-5:] == ["/usr/bin/python3", "-I", "-S", "-c", bundle.START]
    assert (way["prompt"], way["password"]) == ("", "")


@pytest.mark.promise("S3")
@pytest.mark.parametrize("host", ["asked", "here_asked"])
def test_a_password_answers_the_prompt_and_stands_in_no_process_list(
    found: dict[str, Found], host: str
) -> None:
    way = found["plain"][host]
    sudo = command(way)
    assert "-n" not in sudo
    assert sudo[sudo.index("-p") + 1] == way["prompt"] != ""
    assert shlex.split(sudo[-1])[:2] == ["echo", way["success"]]
    assert way["password"] == PASSWORD
    assert "hunter22" not in json.dumps(way["argv"])
    assert "hunter22" not in repr(Connection(**way))


def test_another_user_and_another_sudo_are_the_ones_that_were_named(
    found: dict[str, Found],
) -> None:
    sudo = command(found["plain"]["other"])
    assert (sudo[0], sudo[sudo.index("-u") + 1]) == ("/opt/bin/sudo", "ops")


def test_a_password_of_the_command_line_is_for_hosts_without_their_own(
    found: dict[str, Found],
) -> None:
    passwords = {host: found["password"][host]["password"] for host in ("plain", "asked", "never")}
    assert passwords == {"plain": "of all hosts", "asked": PASSWORD, "never": ""}
    assert "of all hosts" not in json.dumps([found["password"]["plain"]["argv"]])


# -- where the engine cannot go


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("docker", "docker: ansible_connection is docker; releases are made over ssh, or local"),
        (
            "login",
            "login: ansible_password is set; releases are made with keys: use "
            "ansible_ssh_private_key_file",
        ),
        ("nowhere", "how nowhere is reached: 'undefined_name' is undefined"),
        ("su", "su: ansible_become_method is su, which asks at a terminal; use sudo"),
        ("unknown", "unknown: there is no ansible_become_method wish; use sudo"),
    ],
)
def test_a_host_that_cannot_be_spoken_to_is_refused_with_the_way_out(
    found: dict[str, Found], host: str, reason: str
) -> None:
    assert found["plain"][host] == reason


@pytest.mark.promise("S3")
def test_what_cannot_be_resolved_is_refused_without_its_value(found: dict[str, Found]) -> None:
    assert found["plain"]["unreadable"].startswith("how unreadable is reached: ")
    assert "hunter22" not in found["plain"]["unreadable"]


# -- all of it


def test_what_is_run_starts_python_through_the_shell_of_a_login(found: dict[str, Found]) -> None:
    done = subprocess.run(
        found["plain"]["remote_python"]["argv"],
        input=repr("import sys; print('here', sys.flags.isolated)") + "\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    assert done.stdout == "here 1\n"


def test_an_agent_is_spoken_to_through_ssh_and_sudo(found: dict[str, Found]) -> None:
    way = Connection(**found["plain"]["remote"])
    hosts = Agents({"remote": way}, ["remote"], lambda event: None, lambda: "", 1)
    try:
        assert hosts.ask("lock", {"remote": {}}) == {"remote": {"outcome": "ok"}}
    finally:
        hosts.close()
    wrong = dataclasses.replace(way, password="another")
    hosts = Agents({"remote": wrong}, ["remote"], lambda event: None, lambda: "", 1)
    assert hosts.ask("lock", {"remote": {}})["remote"]["reason"] == (
        "cannot be reached: the password for become is wrong"
    )
    hosts.close()


def test_the_agent_of_a_sudo_rule_starts_as_any_other() -> None:
    agent = Path(__file__).resolve().parents[2] / "roles/app_host/files/agent"
    assert agent.read_text().splitlines()[-1] == bundle.START
