"""How hosts are reached: what an inventory says, through Ansible itself, becomes the command of a session."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from delight import bundle
from delight.session import Reach

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
START = f"{PYTHON} -I -S -c {shlex.quote(bundle.START)}"
# Asks for the way to every host, as a phase does, and writes down what it is or why there is none.
PROBE = """
import dataclasses, json, pathlib
from ansible.plugins.action import ActionBase
from delight import reach
from delight.schema import ConfigError

class ActionModule(ActionBase):
    BYPASS_HOST_LOOP = True
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        found = {}
        for host in task_vars["groups"]["app"]:
            try:
                way = reach.reach(
                    host, task_vars["hostvars"][host], self._task, self._play_context
                )
                found[str(host)] = {**dataclasses.asdict(way), "shown": repr(way)}
            except ConfigError as error:
                found[str(host)] = {"refused": str(error)}
        pathlib.Path(self._task.args["to"]).write_text(json.dumps(found))
        return {"changed": False}
"""
JUMP = "-o ProxyJump=bastion.test:2222"
SUDO = {"ansible_become": True}
# {host: its variables}, in the inventory's order.
HOSTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "named": {"ansible_host": "app1.example.test", "ansible_port": 2222, "ansible_user": "ops"},
    "key": {"ansible_ssh_private_key_file": "~/keys/deploy key"},
    "jump": {"ansible_ssh_common_args": JUMP},
    "six": {"ansible_host": "2001:db8::7"},
    "resolved": {"ansible_host": "{{ inventory_hostname }}.{{ domain }}", "domain": "example.test"},
    "careless": {"ansible_ssh_common_args": "-o StrictHostKeyChecking=no"},
    "patient": {"ansible_ssh_extra_args": "-o ServerAliveInterval=60"},
    "shared": {"ansible_ssh_args": "-o ControlMaster=auto -o ControlPersist=60s"},
    "client": {"ansible_ssh_executable": "/opt/ssh/bin/ssh"},
    "python": {"ansible_python_interpreter": "/opt/python/bin/python3"},
    "sudo": SUDO,
    "asked": {**SUDO, "ansible_become_password": "hunter22"},
    "exe": {**SUDO, "ansible_become_exe": "/opt/bin/sudo", "ansible_become_user": "ops"},
    "unlike": {"ansible_become": False, "ansible_become_password": "hunter22"},
    "here": {"ansible_connection": "local"},
    "here_sudo": {**SUDO, "ansible_connection": "local", "ansible_become_password": "hunter22"},
    "docker": {"ansible_connection": "docker"},
    "login": {"ansible_password": "hunter22"},
}
