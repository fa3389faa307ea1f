"""The secrets of an environment: what it needs, and the vault that holds them; no host is asked anything.

`secrets: {do: check}` names what is missing, unused or still to be given; `init` makes the vault and the keys that
can be made; `rekey` gives it another password. Values are never told.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultSecret
from ansible.plugins.action import ActionBase

sys.path.append(str(Path(__file__).resolve().parents[1] / "module_utils"))

from delight import errors, resolve, vault, vault_files
from delight.config import Value
from delight.errors import ConfigError
from delight.host import files


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs once, on the controller; in check mode it tells what it would do."""

    BYPASS_HOST_LOOP = True
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset({"do"})

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        verbs: dict[str, Callable[[Environment], tuple[bool, list[str]]]] = {
            "check": check,
            "init": init,
            "rekey": rekey,
        }
        do = str(self._task.args.get("do", "check"))
        try:
            if do not in verbs:
                raise ConfigError([f"do: is none of {', '.join(verbs)}"])
            secrets = self._loader._vault.secrets or []
            environment = Environment(variables, self._templar, secrets, self._task.check_mode)
            changed, lines = verbs[do](environment)
        except ConfigError as error:
            text = "\n".join(["REFUSED: nothing was changed", *(f"  {m}" for m in error.mistakes)])
            return result | {"failed": True, "outcome": "refused", "msg": text, "text": text}
        return result | {"changed": changed, "text": "\n".join(lines), "exit_status": 0}


class Environment:
    """An environment as its inventory describes it, and the vault that is there or will be.

    `passwords` is [(vault id, VaultSecret)], as Ansible was started with; `only_look`: nothing may change.
    """

    def __init__(
        self, variables: dict[str, Any], templar: Any, passwords: Any, only_look: bool
    ) -> None:
        self._hosts = variables["hostvars"]
        self._app = sorted(map(str, variables["groups"].get("app", [])))
        self._templar = templar
        self.passwords = passwords
        self.only_look = only_look
        folders = [Path(one) for one in variables.get("ansible_inventory_sources") or []]
        found = [one for one in folders if one.is_dir()]
        if not found or not self._app:
            raise ConfigError(
                ["no environment is chosen, or it has no group `app`: add -i staging"]
            )
        self.folder = Path(os.path.relpath(found[0]))

    def given(self) -> dict[str, Any]:
        """The variables of an application host, templates as they were written."""
        try:
            found: dict[str, Any] = self._hosts.raw_get(self._app[0])
        except AnsibleError as error:
            for path in vault_files.variables_of(self.folder):
                if vault_files.identity(path):
                    vault_files.read(path, self.passwords)
            raise ConfigError([errors.cause(error)]) from None
        return found

    def values(self) -> Value:
        """What `vault.needs` reads, of an application host."""
        try:
            templar = self._templar.copy_with_new_env(available_variables=self.given())
            found = {
                name: resolve.plain(templar.resolve_variable_expression(name))
                for name in vault.NAMES
            }
        except AnsibleError as error:
            raise ConfigError([errors.cause(error)]) from None
        return found.__getitem__

    def vault(self, name: str) -> Path:
        """The file of the environment's secrets."""
        return self.folder / f"group_vars/{name}/vault.yml"


def check(environment: Environment) -> tuple[bool, list[str]]:
    """Hold what is given, by the vault or by another source, against what the environment needs."""
    value, given = environment.values(), environment.given()
    name, wanted = str(value("env_name")), vault.needs(value)
    path = environment.vault(name)
    mistakes = [f"{path}: {one}" for one in unfit(path, name)] if path.exists() else []
    if not path.exists() and all(vault.is_open(vault.get(given, need.path)) for need in wanted):
        make = f"ansible-playbook secrets.yml -i {environment.folder} -e do=init"
        raise ConfigError([f"{path} is missing: `{make}` makes it"])
    edit = f"make secrets ENV={environment.folder}"
    for need in wanted:
        there = vault.get(given, need.path)
        if there is None:
            mistakes.append(f"{need.name} is missing, for {need.whose}: `{edit}`")
        elif isinstance(there, int | float):
            mistakes.append(f"{need.name} is no text: put it into quotes, `{edit}`")
        elif vault.is_open(there):
            mistakes.append(f"{need.name} is still to be given, for {need.whose}: `{edit}`")
    if mistakes:
        raise ConfigError(mistakes)
    asked = {need.path for need in wanted}
    unused = [one for one in given.get("secrets") or {} if ("secrets", one) not in asked]
    return False, [
        f"COMPLETE: {name} has the {len(wanted)} secrets that it needs",
        *(f"  {need.name}: {need.whose}" for need in wanted),
        *(f"  secrets.{one}: nothing needs it" for one in unused),
    ]


def unfit(path: Path, name: str) -> list[str]:
    """What is wrong with a vault's file, whatever it holds."""
    found = vault_files.identity(path)
    if found is None:
        return [f"is not encrypted: `ansible-vault encrypt --encrypt-vault-id {name} {path}`"]
    if found != name:
        again = f"ansible-vault rekey --new-vault-id {name}@bin/vault-client {path}"
        return [f"has the vault id '{found}', not '{name}': `{again}`"]
    return []


def init(environment: Environment) -> tuple[bool, list[str]]:
    """Make a vault, or the keys that it lacks; what is there stays."""
    value = environment.values()
    name, wanted = str(value("env_name")), vault.needs(value)
    path, password = environment.vault(name), vault_files.Password(name)
    if others := vault_files.kept_by_sops(environment.folder):
        raise ConfigError([f"{one} is kept by sops: `sops edit {one}`" for one in others])
    if not any(one.startswith(f"{name}@") for one in constants.DEFAULT_VAULT_IDENTITY_LIST):
        raise ConfigError([f"ansible.cfg: vault_identity_list lacks {name}@bin/vault-client"])
    if path.exists() and (mistakes := unfit(path, name)):
        raise ConfigError([f"{path}: {one}" for one in mistakes])
    there = vault_files.read(path, environment.passwords) if path.exists() else None
    example = path.with_name("vault.yml.example")
    start = there if there is not None else example.read_text() if example.exists() else ""
    filled = vault.fill(start, wanted, str(value("registry")), name)
    lines = [f"  {key}: made" for key in filled.made]
    lines += [f"  {key}: still to be given" for key in filled.left]
    if filled.left:
        lines.append(f"Next: make secrets ENV={environment.folder}")
    if there == filled.text:
        return False, [f"UNCHANGED: {path} has a place for all that {name} needs", *lines]
    if environment.only_look:
        return True, [f"WOULD WRITE: {path}", *lines]
    if there is not None:
        opened = vault_files.opening(path, environment.passwords)
    elif (known := password.known()) is not None:
        opened = known
    else:
        opened = password.make(vault.word(), password.file)
        lines.insert(
            0, f"  .vault/{name}: the vault's password is made; keep a copy where it is safe"
        )
    vault_files.write(path, filled.text, name, opened)
    return True, [f"WRITTEN: {path}", *lines]


def rekey(environment: Environment) -> tuple[bool, list[str]]:
    """Encrypt all that an environment's vault password opens with another one, which stands in .vault/ then.

    The new password is there before the first file needs it, and the old one until none does: a run that was cut
    off is finished by the next.
    """
    found = {vault_files.identity(path) for path in vault_files.variables_of(environment.folder)}
    names = sorted(name for name in found if name)
    if len(names) != 1:
        raise ConfigError(
            [f"{environment.folder} has {len(names)} vault ids, {', '.join(names) or 'none'}"]
        )
    [name] = names
    password = vault_files.Password(name)
    if source := password.elsewhere():
        by_hand = f"ansible-vault rekey --new-vault-id {name}@prompt {environment.vault(name)}"
        raise ConfigError(
            [f"the password of {name} comes from {source}: `{by_hand}`, then change it there"]
        )
    if alone := vault_files.with_values_encrypted_alone(environment.folder):
        way = "bring them into vault.yml first"
        raise ConfigError([f"{path} has values that are encrypted alone: {way}" for path in alone])
    paths = vault_files.encrypted(environment.folder, name)
    if environment.only_look:
        return True, [f"WOULD ENCRYPT AGAIN: {', '.join(map(str, paths))}"]
    new = password.begun() or password.make(vault.word(), password.next)
    known = [*environment.passwords, (name, VaultSecret(new))]
    texts = {path: vault_files.read(path, known) for path in paths}
    for path, text in texts.items():
        vault_files.write(path, text, name, new)
    files.move(password.next, password.file)
    return True, [
        f"ENCRYPTED AGAIN: {', '.join(map(str, paths))}",
        f"  .vault/{name} is the new password: keep a copy where it is safe, and give it to whoever deploys "
        f"(GitHub's secret VAULT_PASSWORD of {name})",
        "  the old one still opens what git keeps: where others may know it, give every secret a new value too",
    ]
