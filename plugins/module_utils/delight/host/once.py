"""One-off containers of a kept release: its image, settings and secrets, without a fixed address."""

from __future__ import annotations

import os
from secrets import token_hex
from typing import Any

from . import command, docker, progress, redact, store
from .addresses import SLOT_DIGITS, host_label


def compose_run(
    folder: os.PathLike[str], service: str, project: str, name: str, argv: list[str]
) -> list[str]:
    """The command that runs `argv` in a container called `name`, in the release's own environment."""
    head = [*docker.composer(), "--progress", "quiet", "--project-name", project]
    file = ["--file", f"{folder}/compose.yml", "--profile", "once"]
    how = ["run", "--rm", "--no-deps", "-T", "--name", name]
    return [*head, *file, *how, f"{service}-once", *argv]


def run_once(
    at: store.Store, release: str, service: str, argv: list[str], bound_s: float
) -> command.Ran:
    """Run it to its end; one that is not done within `bound_s` seconds is killed and removed."""
    progress.step(f"runs a command of {service}")
    variables = {"RELEASE": release, "HOST": host_label(at.host)}
    # Releases of layout 1 leave these open too.
    variables |= {"SLOT": "once", "SLOT_DIGIT": SLOT_DIGITS["blue"]}
    environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", "HOME": "/nonexistent", **variables}
    project = f"{at.app}-{service}-once"
    name = f"{project}-{token_hex(4)}"
    folder = at.releases / release
    ran = command.run(compose_run(folder, service, project, name, argv), bound_s, environment)
    if ran.late:
        docker.remove(name)
    return ran._replace(argv=argv)


def lines(ran: command.Ran, secrets: redact.Secrets) -> list[str]:
    """What a command has printed on its standard output, a line each, without `secrets`."""
    return [redact.redact(line, secrets) for line in ran.stdout.splitlines() if line.strip()]


def evidence(what: str, ran: command.Ran, key: str, secrets: redact.Secrets) -> dict[str, Any]:
    """What a person needs to see of a command that failed, without `secrets`.

    `key` is where its bound is set.
    """
    how = f"ended with status {ran.status}"
    if ran.late:
        how = f"did not end within {ran.bound_s:g} s ({key}); its container was killed and removed"
    return {
        "name": what,
        "event": "timeout" if ran.late else "exited",
        "reason": redact.redact(f"`{' '.join(ran.argv)}` {how}", secrets),
        "answer": "",
        "logs": [redact.redact(line, secrets) for line in ran.lines()[-30:]],
        "health_log": [],
    }
