"""The lab's command line."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from lab import (
    checkout,
    cleaning,
    engine,
    images,
    inventory,
    lifecycle,
    local,
    paths,
    purge,
    secrets,
    seeding,
    services,
    shell,
)
from lab.cleaning import Removed
from lab.errors import LabError
from lab.inventory import Fleet

Verb = Callable[[argparse.Namespace], int]


def _env(_: argparse.Namespace) -> int:
    print(f"export DOCKER_CONFIG={paths.DOCKER_CONFIG}")
    return 0


def _engine(_: argparse.Namespace) -> int:
    print(f"engine: {engine.ensure()}")
    return 0


def _images(_: argparse.Namespace) -> int:
    engine.ensure()
    built = images.ensure()
    print(f"images: {', '.join(built) or 'present'}")
    return 0


def _begun(directory: Path) -> Fleet:
    """The fleet of an inventory folder, whose names are this checkout's from now on."""
    machines = inventory.load(directory)
    for line in lifecycle.begin(machines):
        print(f"engine: {line}")
    return machines


def _ours(directory: Path) -> Fleet:
    """The fleet of an inventory folder, whose hosts are not another checkout's."""
    machines = inventory.load(directory)
    checkout.refuse_others(machines)
    return machines


def _up(options: argparse.Namespace) -> int:
    machines = _begun(options.directory)
    images.ensure()
    began = time.monotonic()
    did = lifecycle.up(machines)
    said = ", ".join(f"{name} {what}" for name, what in did.items())
    print(f"hosts: {said} ({time.monotonic() - began:.1f} s)")
    return _seed(options)


def _seed(options: argparse.Namespace) -> int:
    loaded = seeding.seed(_ours(options.directory))
    print(f"seed: {', '.join(loaded) or 'nothing to do'}")
    return 0


def _secrets(options: argparse.Namespace) -> int:
    made = secrets.ensure(_begun(options.directory))
    print(f"secrets: {', '.join(made) or 'present'}")
    return 0


def _local(options: argparse.Namespace) -> int:
    local.run(options.directory, Console(highlight=False))
    return 0


def _services(options: argparse.Namespace) -> int:
    services.run(options.directory, Console(highlight=False), if_down=options.if_down)
    return 0


def _stop(options: argparse.Namespace) -> int:
    directory = options.directory
    stopped = lifecycle.stop(inventory.load(directory).network if directory else "")
    names = ", ".join(stopped)
    print(f"stopped: {names} (their data stays)" if stopped else "stopped: no host ran")
    return 0


def _clean(options: argparse.Namespace) -> int:
    directory = options.directory
    if directory:
        _tell(cleaning.environment(inventory.load(directory)))
    else:
        _tell(cleaning.everything())
    return 0


def _tell(removed: Removed) -> None:
    print("\n".join(cleaning.said(removed)) or "removed nothing: nothing was there")


def _purge(_: argparse.Namespace) -> int:
    _tell(purge.purge())
    return 0


def _reboot(options: argparse.Namespace) -> int:
    machines = _ours(options.directory)
    began = time.monotonic()
    lifecycle.reboot(machines, machines.host(options.host))
    print(f"rebooted: {options.host} ({time.monotonic() - began:.1f} s)")
    return 0


def _exec(options: argparse.Namespace) -> int:
    machines = _ours(options.directory)
    name = machines.container(machines.host(options.host))
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    done = shell.attempt(["docker", "exec", name, *command])
    sys.stdout.buffer.write(done.stdout)
    sys.stderr.buffer.write(done.stderr)
    return done.returncode


def parser() -> argparse.ArgumentParser:
    """The arguments of every verb."""
    top = argparse.ArgumentParser(prog="lab", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)

    def verb(
        name: str, act: Verb, text: str, directory: bool = True, *, or_all: bool = False
    ) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(act=act)
        if directory:
            which = ", or all of this checkout" if or_all else ""
            sub.add_argument(
                "directory",
                type=Path,
                nargs="?" if or_all else None,
                help=f"inventory folder with a hosts.yml{which}",
            )
        return sub

    verb("env", _env, 'print shell exports: eval "$(python -m lab env)"', directory=False)
    verb("engine", _engine, "make sure that a Docker engine with plugins runs", directory=False)
    verb("images", _images, "build the hosts' and services' images, cached", directory=False)
    verb("local", _local, "all of it: hosts, provisioning, build and a release")
    alone = verb(
        "services", _services, "PostgreSQL and Redis alone, and a file with their addresses"
    )
    alone.add_argument("--if-down", action="store_true", help="leave servers alone that answer")
    verb("up", _up, "make or start the hosts, pin their keys, load their images")
    verb("seed", _seed, "load lab_images into the hosts that have Docker")
    verb("secrets", _secrets, "generate vault and certificates, if lab_registry is set")
    verb("stop", _stop, "shut the hosts down and keep their data", or_all=True)
    verb("clean", _clean, "remove all that was made for an inventory folder", or_all=True)
    verb("purge", _purge, "remove images, archives and the engine we started", directory=False)
    verb("reboot", _reboot, "reboot one host").add_argument("host")
    execute = verb("exec", _exec, "run a command on a host as root")
    execute.add_argument("host")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    return top


def main(argv: list[str]) -> int:
    """Run one verb; 1 with one clear line when something can't work."""
    options = parser().parse_args(argv)
    try:
        act: Verb = options.act
        return act(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
