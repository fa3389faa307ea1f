"""The variables that a run reads, as Ansible resolves them, without its marks: for processes without Ansible."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError

from delight import errors, inputs
from delight.errors import ConfigError


def variables(templar: Any, task_vars: Mapping[str, Any]) -> dict[str, Any]:
    """{name: value} of `inputs.NAMES`, the same for every application host; a ConfigError names every mistake."""
    same_everywhere(
        task_vars["hostvars"], sorted(map(str, task_vars["groups"]["app"])), inputs.NAMES
    )
    values, mistakes = {}, []
    for name in inputs.NAMES:
        try:
            values[name] = plain(templar.resolve_variable_expression(name))
        except AnsibleError as error:
            mistakes.append(f"{name}: {errors.cause(error)}")
    if mistakes:
        raise ConfigError(mistakes)
    return values


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
