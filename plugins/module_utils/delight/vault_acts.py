"""What `secrets.yml` does with the vault of an environment. Each act returns (changed, lines for a person).

Values are never told: not in a line, not in a ConfigError.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.parsing.vault import VaultSecret
from ansible.template import trust_as_template
from ruamel.yaml.comments import TaggedScalar

from delight import errors, release, resolve, rotation, vault, vault_files
from delight.config import Value
from delight.errors import ConfigError
from delight.host import files

Done = tuple[bool, list[str]]


class Environment:
    """An environment as its inventory describes it, and the vault that is there or will be.

    `passwords` is [(vault id, VaultSecret)], as Ansible was started with; `said` are the task's arguments;
    `only_look`: nothing may change.
    """

    def __init__(
        self,
        variables: dict[str, Any],
        templar: Any,
        passwords: Any,
        said: dict[str, str],
        only_look: bool,
    ) -> None:
        self._hosts = variables["hostvars"]
        self._app = sorted(map(str, variables["groups"].get("app", [])))
        self._templar = templar
        self.passwords = passwords
        self.said = said
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
        return self.resolved(self.given(), *vault.NAMES).__getitem__

    def resolved(self, given: dict[str, Any], *names: str) -> dict[str, Any]:
        """{name: value} of variables of an application host, templates filled in."""
        try:
            templar = self._templar.copy_with_new_env(
                available_variables={**given, "hostvars": self._hosts}
            )
            return {
                name: resolve.plain(templar.resolve_variable_expression(name)) for name in names
            }
        except AnsibleError as error:
            raise ConfigError([errors.cause(error)]) from None

    def secrets(self, text: str) -> dict[str, str]:
        """{NAME: value} that services would be given with this text of the vault."""
        found = self.resolved({**self.given(), **templates(vault.parse(text))}, "secrets")
        return {str(name): str(one) for name, one in found["secrets"].items()}

    def vault(self, name: str) -> Path:
        """The file of the environment's secrets."""
        return self.folder / f"group_vars/{name}/vault.yml"


def templates(value: Any) -> Any:
    """Variables as Ansible would read them from a vault: its texts are templates, unless marked."""
    if isinstance(value, dict):
        return {str(key): templates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [templates(item) for item in value]
    if isinstance(value, TaggedScalar):
        return str(value.value)
    return trust_as_template(str(value)) if isinstance(value, str) else value


def check(environment: Environment) -> Done:
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
        elif vault.is_open(there) and not (need.optional and there == ""):
            mistakes.append(f"{need.name} is still to be given, for {need.whose}: `{edit}`")
    if mistakes:
        raise ConfigError(mistakes)
    asked = {need.path for need in wanted}
    held = given.get("secrets")
    names = held if isinstance(held, Mapping) else {}
    unused = [one for one in names if ("secrets", one) not in asked]
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


def init(environment: Environment) -> Done:
    """Make a vault, or the keys that it lacks; what is there stays, and what another file gives is not asked for."""
    value, given = environment.values(), environment.given()
    name = str(value("env_name"))
    wanted = [need for need in vault.needs(value) if vault.is_open(vault.get(given, need.path))]
    path = environment.vault(name)
    refuse_sops(environment)
    there = text_of(environment, path, name) if path.exists() else None
    example = path.with_name("vault.yml.example")
    start = there if there is not None else example.read_text() if example.exists() else ""
    filled = vault.fill(start, wanted, str(value("registry")), name)
    lines = [f"  {key}: made" for key in filled.made]
    lines += [f"  {key}: still to be given" for key in filled.left]
    if filled.left:
        lines.append(f"Next: make secrets ENV={environment.folder}")
    if there == filled.text or not wanted:
        return False, [f"UNCHANGED: {name} has a place for all that it needs", *lines]
    return True, [*write(environment, path, name, filled.text), *lines]


def refuse_sops(environment: Environment) -> None:
    """What sops keeps is changed by sops."""
    if others := vault_files.kept_by_sops(environment.folder):
        raise ConfigError([f"{one} is kept by sops: `sops edit {one}`" for one in others])


def text_of(environment: Environment, path: Path, name: str) -> str:
    """What the vault of an environment says."""
    refuse_sops(environment)
    if not path.exists():
        make = f"ansible-playbook secrets.yml -i {environment.folder} -e do=init"
        raise ConfigError([f"{path} is missing: `{make}` makes it"])
    if mistakes := unfit(path, name):
        raise ConfigError([f"{path}: {one}" for one in mistakes])
    return vault_files.read(path, environment.passwords)


def write(environment: Environment, path: Path, name: str, text: str) -> list[str]:
    """Encrypt the vault anew with its own password, which is made for one that is new; what was done."""
    if environment.only_look:
        return [f"WOULD WRITE: {path}"]
    password = vault_files.Password(name)
    if not any(one.startswith(f"{name}@") for one in constants.DEFAULT_VAULT_IDENTITY_LIST):
        raise ConfigError([f"ansible.cfg: vault_identity_list lacks {name}@bin/vault-client"])
    lines = [f"WRITTEN: {path}"]
    there = vault_files.opening(path, environment.passwords) if path.exists() else password.known()
    if there is None:
        there = password.make(vault.word(), password.file)
        lines.append(f"  .vault/{name}: the vault's password is made; keep a copy where it is safe")
    vault_files.write(path, text, name, there)
    return lines


def rekey(environment: Environment) -> Done:
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


def rotate(environment: Environment) -> Done:
    """Give a secret another value; what a value that is compromised was stands as a digest in the vault."""
    value = environment.values()
    name, wanted = str(value("env_name")), vault.needs(value)
    path = environment.vault(name)
    text = text_of(environment, path, name)
    key = rotation.find(vault.parse(text), environment.said.get("secret", ""))
    new = another(environment, key, {need.path: need.made for need in wanted}, name)
    user = environment.resolved(environment.given(), "postgres_user")["postgres_user"]
    before = environment.secrets(text)
    rotated = rotation.rotate(text, key, new, str(user))
    text, after = rotated.text, environment.secrets(rotated.text)
    changed = [one for one, was in before.items() if after.get(one) != was]
    compromised = boolean(environment.said.get("compromised") or False)
    if compromised:
        given = environment.resolved(environment.given(), "release_hmac_key")
        digest = partial(release.secret_digest, str(given["release_hmac_key"]))
        text = rotation.give_up(text, {one: digest(one, before[one]) for one in changed})
    lines = [f"  {one}: another value" for one in rotated.keys]
    lines += [
        f"  secrets.{one}: changed by that, for {need.whose}"
        for one in changed
        for need in wanted
        if need.path == ("secrets", one)
    ]
    steps = rotation.next_steps(key, bool(changed), compromised, str(environment.folder))
    return True, [*write(environment, path, name, text), *lines, *(f"Next: {one}" for one in steps)]


def another(
    environment: Environment, key: tuple[str, ...], made: dict[tuple[str, ...], str], name: str
) -> dict[str, str]:
    """{key: new value}, of all keys that change together."""
    if source := environment.said.get("value_from"):
        try:
            return {key[-1]: Path(source).expanduser().read_text().removesuffix("\n")}
        except (OSError, UnicodeDecodeError):
            raise ConfigError([f"value_from: {source} can't be read as text"]) from None
    if made.get(key) == vault.CERTIFICATE:
        registry = environment.resolved(environment.given(), "registry")["registry"]
        return vault.registry_certificate(str(registry), name, datetime.now(UTC))
    if made.get(key) == vault.WORD:
        return {key[-1]: vault.word()}
    edit = f"make secrets ENV={environment.folder}"
    raise ConfigError(
        [
            f"{'.'.join(key)} comes from somebody else: -e value_from=FILE has the new one, or `{edit}`"
        ]
    )


def end(environment: Environment) -> Done:
    """End the value that a server of ours had before, which is valid still."""
    value = environment.values()
    name = str(value("env_name"))
    path = environment.vault(name)
    text = text_of(environment, path, name)
    key = rotation.find(vault.parse(text), environment.said.get("secret", ""))
    ended = rotation.end(text, key)
    step = f"ansible-playbook provision.yml -i {environment.folder} --tags backing"
    lines = [f"  {one}: gone" for one in ended.keys]
    return True, [*write(environment, path, name, ended.text), *lines, f"Next: {step}"]


ACTS = {act.__name__: act for act in (check, init, rekey, rotate, end)}
