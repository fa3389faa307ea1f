"""How hosts are reached, exactly as the inventory describes it: asked of Ansible's own plugins.

They make the command (port, key, jump host, user, host key checking, become), the engine runs it. For a
plugin that makes no command (`docker`, `paramiko`) there is none, and the refusal says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible import context as cli
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.loader import become_loader, connection_loader, get_shell_plugin

from delight import bundle, errors
from delight.errors import ConfigError
from delight.session import Connection

# A connection is the lease of its host: it is this run's alone, and a dead link is noticed.
OWN = ("-o", "ControlMaster=no", "-o", "ControlPath=none")
ALIVE = ("-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3")
PYTHON = "/usr/bin/python3"
LOCAL = {"local", "ansible.builtin.local"}
SSH = {"ssh", "ansible.builtin.ssh"}


def of(host: str, variables: Mapping[str, Any], task: Any, play_context: Any) -> Connection:
    """How `host` is reached; `variables` are its own, resolved when they are read.

    Raises ConfigError with the way out where the engine cannot speak to it so.
    """
    try:
        name = str(variables.get("ansible_connection") or task.connection or "ssh")
        if name not in LOCAL | SSH:
            raise refusal(
                host, f"ansible_connection is {name}", "releases are made over ssh, or local"
            )
        return _made(host, name, variables, task, play_context)
    except AnsibleError as error:
        raise ConfigError([f"how {host} is reached: {errors.cause(error)}"]) from error


def _made(
    host: str, name: str, variables: Mapping[str, Any], task: Any, context: Any
) -> Connection:
    keys = task.dump_attrs()
    # A task's own timeout and retries are not those of its connection.
    keys["timeout"] = context.timeout
    keys.pop("retries", None)
    connection = connection_loader.get(name, context, None)
    if context.password:
        keys["password"] = context.password
    connection.set_options(task_keys=keys, var_options=options("connection", connection, variables))
    python = str(variables.get("ansible_python_interpreter") or PYTHON)
    if python.startswith("auto"):  # Ansible would look for one; hosts of ours have this
        python = PYTHON
    start = f"{python} -I -S -c {shlex.quote(bundle.START)}"
    shell = get_shell_plugin(shell_type="sh", executable="/bin/sh")
    become = _become(host, variables, task, context, keys)
    if become and (agent := str(variables.get("release_agent") or "")):
        # A sudo rule that names this path allows no shell around it.
        command = become.build_become_command(agent, None)
        if become.get_option("become_pass"):
            both = "release_agent is set, and a password for become"
            raise refusal(host, both, "its sudo rule needs NOPASSWD")
    else:
        command = become.build_become_command(start, shell) if become else start
    argv = ["/bin/sh", "-c", command]
    if name in SSH:
        if connection.get_option("password"):
            keys_only = "releases are made with keys: use ansible_ssh_private_key_file"
            raise refusal(host, "ansible_password is set", keys_only)
        target = str(connection.get_option("host") or host)
        words = connection._build_command(
            connection.get_option("ssh_executable"), "ssh", *ALIVE, target, shlex.join(argv)
        )
        program, *rest = [word.decode() for word in words]
        argv = [program, *OWN, *rest]
    if become and become.get_option("become_pass"):
        return Connection(
            argv, become.prompt, str(become.get_option("become_pass")), become.success
        )
    return Connection(argv)


def _become(
    host: str, variables: Mapping[str, Any], task: Any, context: Any, keys: dict[str, Any]
) -> Any:
    """The plugin for another user's rights, or None where the connection's own do."""
    wanted = variables.get("ansible_become")
    if not (task.become if wanted is None else boolean(wanted)):
        return None
    method = str(variables.get("ansible_become_method") or task.become_method or "sudo")
    plugin = become_loader.get(method)
    if plugin is None:
        raise refusal(host, f"there is no ansible_become_method {method}", "use sudo")
    if plugin.require_tty or not plugin.pipelining:
        asks = f"ansible_become_method is {method}, which asks at a terminal"
        raise refusal(host, asks, "use sudo")
    # Without -K what stands there is the first host's own password.
    asked = cli.CLIARGS.get("become_ask_pass") or cli.CLIARGS.get("become_password_file")
    if asked and context.become_pass:
        keys = {**keys, "become_pass": context.become_pass}
    plugin.set_options(task_keys=keys, var_options=options("become", plugin, variables))
    return plugin


def refusal(host: str, what: str, way_out: str) -> ConfigError:
    """Why the engine cannot speak to a host, and what to do."""
    return ConfigError([f"{host}: {what}; {way_out}"])


def options(kind: str, plugin: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that a plugin reads, resolved."""
    names = constants.config.get_plugin_vars(kind, plugin._load_name)
    return {variable: variables[variable] for variable in names if variable in variables}
