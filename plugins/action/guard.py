"""Refusals that need no host: wrong configuration, no hosts, missing vault, placeholders.

The task runs once for all hosts of the play, on the controller, and opens no connection.
It fails with one message that names the place and the way out, or changes nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import typed, vault, vault_files
from delight.origins import from_vault, is_encrypted, leaves, origin, tellable

PROJECT = Path(__file__).resolve().parents[2]


def shown(path: str | Path) -> str:
    """Return a path as a user of the project's folder would type it."""
    path = Path(path)
    real = path.resolve()
    return str(real.relative_to(PROJECT)) if real.is_relative_to(PROJECT) else str(path)


def edit_command(path: Path) -> str:
    """Return the command that opens a file of variables, encrypted or not."""
    if is_encrypted(str(path)):
        return f"ansible-vault edit {shown(path)}"
    return f"$EDITOR {shown(path)}"


def wrong_configuration(in_force: str | None) -> str | None:
    """Return a refusal unless the configuration in force is the project's ansible.cfg."""
    wanted = PROJECT / "ansible.cfg"
    if in_force and Path(in_force).exists() and wanted.samefile(in_force):
        return None
    message = f"the configuration in force is {in_force or 'none'}, not {wanted}."
    if PROJECT.stat().st_mode & 0o002:
        return (
            f"{message} Ansible reads no ansible.cfg in a folder that everyone may write to: "
            f"run `chmod o-w {PROJECT}` and start again."
        )
    return f"{message} Run from {PROJECT}, with ANSIBLE_CONFIG unset: `unset ANSIBLE_CONFIG`."


def variable_files(inventories: list[Path]) -> list[Path]:
    """Every file of variables of these environments."""
    kinds = {".yml", ".yaml", ".json", ""}
    return [
        path
        for inventory in inventories
        for path in sorted(inventory.glob("*_vars/**/*"))
        if path.is_file() and path.suffix in kinds
    ]


def missing_vaults(inventories: list[Path]) -> list[str]:
    """Return one line for each vault that an environment should have and has not."""
    generated = [i / "group_vars" / "local" for i in inventories]
    lines = [
        f"{shown(folder / 'vault.yml')} is missing: `make local` generates it"
        for folder in generated
        if folder.is_dir() and not (folder / "vault.yml").exists()
    ]
    for inventory in inventories:
        for example in sorted(inventory.glob("group_vars/*/vault.yml.example")):
            missing = example.with_suffix("")
            if not missing.exists() and not vault_files.kept_by_sops(inventory):
                make = f"ansible-playbook secrets.yml -i {os.path.relpath(inventory)} -e do=init"
                lines.append(f"{shown(missing)} is missing: `{make}` makes it")
    return lines


def no_hosts(hosts: list[str], sources: list[Path]) -> str | None:
    """Say what to do where the inventory names no host at all."""
    if hosts:
        return None
    if not any(source.is_dir() for source in sources):
        return "no environment is chosen: add `-i local`, `-i staging` or `-i production`."
    return f"the environment has no hosts: `$EDITOR {shown(sources[0] / 'hosts.yml')}`."


def refused(reason: str) -> dict[str, Any]:
    """Return the result of a task that refuses."""
    return {"failed": True, "outcome": "refused", "msg": f"Refused: {reason}"}


class ActionModule(ActionBase):  # type: ignore[misc]
    """`guard: {}`; with `unfinished: true`, an environment may still lack what is to be filled in."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _VALID_ARGS = frozenset({"unfinished"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return an unchanged result, or a failed one whose message is the refusal."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        if refusal := wrong_configuration(constants.CONFIG_FILE):
            return result | refused(refusal)
        sources = [Path(s) for s in variables.get("ansible_inventory_sources") or []]
        if nobody := no_hosts(variables["groups"]["all"], sources):
            # Not a refusal of something that was there to be done: whoever forgets `-i` must notice.
            return result | {"failed": True, "exit_status": 1, "msg": nobody}
        if self._task.args.get("unfinished"):
            return result
        if refusal := self._unfinished(variables, sources):
            return result | refused(refusal)
        return result

    def _unfinished(self, task_vars: dict[str, Any], sources: list[Path]) -> str | None:
        problems = missing_vaults(sources)
        try:
            problems += self._mistakes(task_vars["hostvars"], task_vars["groups"]["all"])
        except AnsibleError as error:
            return self._undecryptable(sources) or self._no_yaml(sources) or str(error)
        if not problems:
            return None
        return "\n  ".join(["this environment is not filled in yet.", *problems])

    @staticmethod
    def _mistakes(hostvars: Any, hosts: list[str]) -> list[str]:
        """One line for each placeholder, and for each secret that would not arrive as it was typed."""
        lines: dict[str, None] = {}
        for host in hosts:
            raw = hostvars.raw_get(host)
            inventory = {"host name": host, **{k: v for k, v in raw.items() if k != "groups"}}
            for key, name, value in leaves(inventory):
                path, line = origin(value)
                if isinstance(value, str) and (found := vault.PLACEHOLDER.search(value)):
                    where = f"in {shown(path)}:{line}: `{edit_command(Path(path))}`"
                    lines[f"{found.group()} ({key}) {where if path else f'of host {host}'}"] = None
                    continue
                secret = key.startswith("secrets.") or from_vault(name, value)
                if secret and (said := typed.mistake(value, inventory)):
                    lines[f"{tellable(key)} {said}"] = None
        return list(lines)

    def _no_yaml(self, sources: list[Path]) -> str | None:
        """What is wrong with a file of variables, and where; what stands there is not shown."""
        for path in variable_files(sources):
            try:
                self._loader.load_from_file(str(path))
            except AnsibleError as error:
                line = origin(error.obj)[1]
                what = str(error).removeprefix("YAML parsing failed: ").rstrip(".")
                return f"{shown(path)}:{line} is no YAML: {what}: `{edit_command(path)}`"
        return None

    def _undecryptable(self, sources: list[Path]) -> str | None:
        for path in variable_files(sources):
            identity = vault_files.identity(path)
            if not identity:
                continue
            try:
                self._loader.get_text_file_contents(str(path))
            except AnsibleError:
                if vault_files.Password(identity).next.exists():
                    source = next(one for one in sources if path.is_relative_to(one))
                    again = f"ansible-playbook secrets.yml -i {os.path.relpath(source)} -e do=rekey"
                    return (
                        f"{shown(path)} is being given another password: `{again}` goes on with it."
                    )
                return (
                    f"{shown(path)} can't be decrypted: the password of vault id "
                    f"'{identity}' is missing or wrong. See where it is looked for with "
                    f"`bin/vault-client --help`, then try `ansible-vault view {shown(path)}`."
                )
        return None
