"""The variables that a run reads, as Ansible resolves them, without its marks: for processes without Ansible."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from delight import astray, errors, inputs
from delight.errors import ConfigError
from delight.host import redact
from delight.origins import from_vault, leaves, tellable


def variables(templar: Any, task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """{name: value} of `inputs.NAMES`, the same for every application host; a ConfigError names every mistake.

    `astray` beside them are the mistakes of secrets that stand where everybody may look.
    """
    hosts = sorted(map(str, task_vars["groups"]["app"]))
    same_everywhere(task_vars["hostvars"], hosts, inputs.NAMES)
    vault = in_vault(task_vars["hostvars"].raw_get(hosts[0]))
    values, mistakes = {}, []
    for name in inputs.NAMES:
        try:
            values[name] = plain(templar.resolve_variable_expression(name))
        except AnsibleError as error:
            mistakes.append(f"{name}: {errors.cause(error)}")
    if mistakes:
        secrets = redact.known([*vault.values(), *(text for _, text in astray.of_run(values))])
        raise ConfigError([redact.redact(line, secrets) for line in mistakes])
    return values | {"astray": astray.mistakes(values, vault)}


def in_the_open(templar: Any, task_vars: Mapping[str, Any], **shown: Any) -> list[str]:
    """One line for each of `shown` that holds a secret of the play's host, for a task that is no release."""
    vault = in_vault(task_vars["hostvars"].raw_get(task_vars["inventory_hostname"]))
    if "secrets" in task_vars:
        shown["secrets"] = plain(templar.resolve_variable_expression("secrets"))
    return astray.mistakes(shown, vault)


def in_vault(variables: Mapping[str, Any]) -> dict[str, str]:
    """{path: text} of the texts that stand in an encrypted file; a template is none of its own."""
    return {
        tellable(path): str(text)
        for path, name, text in leaves(variables)
        if isinstance(text, str) and "{{" not in text and from_vault(name, text)
    }


def same_everywhere(hostvars: Any, hosts: list[str], names: Sequence[str]) -> None:
    """Refuse what one host has otherwise than the others: a fleet has one configuration."""
    first, *others = hosts
    wanted = hostvars.raw_get(first)
    mistakes: dict[str, str] = {}
    for host in others:
        found = hostvars.raw_get(host)
        for name in names:
            if found.get(name) != wanted.get(name):
                mistakes.setdefault(
                    name,
                    f"{name}: is another one on {host} than on {first}; a fleet has one configuration: "
                    "set it for the group `app`, or for the environment",
                )
    if mistakes:
        raise ConfigError(list(mistakes.values()))


def plain(value: Any) -> Any:
    """A value without Ansible's marks, as another process can take it."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    for kind in (str, bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, datetime.datetime):
        return datetime.datetime.fromisoformat(value.isoformat())
    if isinstance(value, datetime.date):
        return datetime.date(value.year, value.month, value.day)
    return value
